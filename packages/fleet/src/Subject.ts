/**
 * The flags that are flipped, each at one place only: for everybody, or for one team. So every answer about a flag, for
 * whomever, is what that place says, and a history of one flag is a line of flips.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Organisation from "example-feature-flags/Organisation"
import type { Client } from "./Instance.js"

/** A request; why it may fail is not said by its type but by whoever counts failures. */
type Asking<A> = (client: Client) => Effect.Effect<A, unknown>

export interface Subject {
  readonly slug: string
  readonly flip: (value: boolean) => Asking<{ readonly heldBy: "every instance" | "this instance" }>
  /** The ways to ask; each answers what was flipped. */
  readonly asks: ReadonlyArray<{ readonly what: string; readonly ask: Asking<{ readonly enabled: boolean }> }>
}

const count = 5

/** Flags that no row names. */
export const slugs: ReadonlyArray<string> = Array.from({ length: 2 * count }, (_, i) =>
  i < count ? `fleet-everybody-${i + 1}` : `fleet-team-${i + 1 - count}`
)

const team = (id: number, slug: string) => ({
  what: `team ${id}`,
  ask: (client: Client) => client.flags.ofTeam({ path: { slug, teamId: id } })
})
const user = (id: number, slug: string) => ({
  what: `user ${id}`,
  ask: (client: Client) => client.flags.ofUser({ path: { slug, userId: id } })
})

export const make = (organisation: Organisation.Organisation): Effect.Effect<ReadonlyArray<Subject>> =>
  Effect.forEach(slugs, (slug, i) =>
    Effect.gen(function* () {
      const pick = <A>(all: ReadonlyArray<A>) =>
        Effect.map(Random.nextIntBetween(0, all.length), (place) => all[place]!)
      if (i < count) {
        const everybody = { what: "everybody", ask: (client: Client) => client.flags.ofEverybody({ path: { slug } }) }
        const [someTeam, someUser] = [yield* pick(organisation.teams), yield* pick(organisation.users)]
        return {
          slug,
          flip: (enabled) => (client) => client.flags.setForEverybody({ path: { slug }, payload: { enabled } }),
          asks: [everybody, team(someTeam.id, slug), user(someUser.id, slug)]
        } satisfies Subject
      }
      const withMembers = organisation.teams.filter(({ id }) => Organisation.members(organisation, id).length > 0)
      const { id } = yield* pick(withMembers)
      const below = yield* pick([...Organisation.below(organisation, id)])
      const member = yield* pick(Organisation.members(organisation, id))
      return {
        slug,
        flip: (enabled) => (client) =>
          client.flags.setForTeam({
            path: { slug, teamId: id },
            payload: { setting: enabled ? "enabled" : "inherit" }
          }),
        asks: [team(id, slug), team(below, slug), user(member, slug)]
      } satisfies Subject
    })
  )
