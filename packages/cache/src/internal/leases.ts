/**
 * Asking for the right to fill: a lease for each key, or what somebody else has stored meanwhile.
 *
 * Every lease that was granted is in the run's hands at once, so that whatever ends the run gives it back. A run that
 * is interrupted while it asks leaves at once; what is granted to it afterwards goes straight back.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { StoreError } from "../CacheError.js"
import type { Lease } from "../Store.js"
import type { Item, Leased, View, Wish } from "../StoreTier.js"
import { type Core, now } from "./core.js"
import { decide } from "./decide.js"

/** One key of a flight. */
export interface Journey {
  readonly item: Item
  /** What the caller read and refused. */
  readonly view: View
  /** Until when that may answer for a failed lookup. */
  readonly fallbackUntilMillis: number
}

export interface Manner {
  /** Nobody waits: an answer was given already. */
  readonly behind: boolean
  /** Whether values may be stored at all. */
  readonly stores: boolean
  /** How much of the budget for the store the caller has used up by reading. */
  readonly spentMillis: number
}

export type Acquired =
  | { readonly _tag: "Leased"; readonly lease: Lease }
  | { readonly _tag: "Unleased" }
  | { readonly _tag: "Found"; readonly view: View }
  | { readonly _tag: "Busy" }

const unleased: Acquired = { _tag: "Unleased" }
const busy: Acquired = { _tag: "Busy" }

/** Whether what somebody else stored meanwhile spares the lookup. */
const settles = (core: Core, item: Item, view: View, since: number) =>
  Effect.map(now, (nowMillis) => {
    if (view.entry === undefined || core.journal.hides(item.key.id, view.tags)) return false
    if (core.fences.fellSince(since, [item.key.id, ...view.tags])) return false
    const decision = decide(item.policy, {
      entry: view.entry,
      expired: view.expired,
      nowMillis,
      backoffUntilMillis: -Infinity,
      random: 0
    })
    return decision._tag === "Serve"
  })

/** Puts what is granted into the run's hands. */
const granted = (
  core: Core,
  asking: Effect.Effect<ReadonlyArray<Leased>, StoreError, any>,
  held: Array<Lease>
): Effect.Effect<ReadonlyArray<Leased>, StoreError, any> => {
  const take = (answers: ReadonlyArray<Leased>, hands: Array<Lease>) =>
    Effect.sync(() => {
      for (const answer of answers) {
        if (answer._tag !== "Granted") continue
        hands.push(answer.lease)
        core.leases.hold(answer.lease)
      }
    })
  if (!core.tier.remote) return Effect.uninterruptible(Effect.tap(asking, (answers) => take(answers, held)))
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDaemon(Effect.interruptible(asking)), (fiber) => {
      const late: Array<Lease> = []
      const goesBack = Effect.flatMap(Fiber.join(fiber), (answers) =>
        Effect.zipRight(take(answers, late), giveBack(core, late))
      )
      return Effect.tap(
        Effect.onInterrupt(restore(Fiber.join(fiber)), () => Effect.forkDaemon(Effect.ignore(goesBack))),
        (answers) => take(answers, held)
      )
    })
  )
}

const askedTooOften = 3

/** Asks for leases until each is granted, answered, or known to be another's. */
const ask = (
  core: Core,
  wishes: ReadonlyArray<Wish>,
  limitMillis: number,
  held: Array<Lease>,
  attempt = 1
): Effect.Effect<ReadonlyArray<Acquired>, never, any> => {
  const since = core.fences.now()
  return Effect.matchEffect(granted(core, core.tier.lease(wishes, limitMillis), held), {
    onFailure: (error) =>
      Effect.as(
        core.storeFailed(wishes[0]!.item.key.prefix, error),
        wishes.map(() => unleased)
      ),
    onSuccess: (answers) =>
      Effect.forEach(answers, (answer, i): Effect.Effect<Acquired, never, any> => {
        if (answer._tag === "Granted") return Effect.succeed({ _tag: "Leased", lease: answer.lease })
        if (answer._tag === "Busy") return Effect.succeed(busy)
        const { item } = wishes[i]!
        return Effect.flatMap(settles(core, item, answer.view, since), (settled) => {
          if (settled) return Effect.succeed<Acquired>({ _tag: "Found", view: answer.view })
          const seen = attempt < askedTooOften ? answer.view.id : "*"
          return Effect.map(ask(core, [{ item, seen }], limitMillis, held, attempt + 1), ([one]) => one!)
        })
      })
  })
}

/** A single busy key is asked for again until the wait is over: its holder may finish, or be gone. */
export const acquire = (
  core: Core,
  journeys: ReadonlyArray<Journey>,
  manner: Manner,
  held: Array<Lease>
): Effect.Effect<ReadonlyArray<Acquired>, never, any> =>
  Effect.gen(function* () {
    const barred = journeys.map(
      ({ item }) =>
        !manner.stores || !item.policy.writesStore || !core.enabled || core.journal.hides(item.key.id, item.tags)
    )
    const wishes = journeys
      .filter((_, i) => !barred[i])
      .map(({ item, view }) => ({ item, seen: item.policy.readsStore ? view.id : "*" }))
    if (wishes.length === 0) return journeys.map(() => unleased)
    const { leaseWaitMillis } = core.limits
    const budgetMillis = core.limits.budgetMillis - manner.spentMillis
    if (budgetMillis <= 0) return journeys.map(() => unleased)
    let answers = yield* ask(core, wishes, budgetMillis, held)
    if (answers.length === 1 && !manner.behind) {
      const until = (yield* now) + leaseWaitMillis
      for (let pause = 5; answers[0]!._tag === "Busy" && (yield* now) < until; pause = Math.min(100, pause * 2)) {
        yield* Effect.sleep(pause)
        answers = yield* ask(core, wishes, budgetMillis, held)
      }
    }
    let next = 0
    return barred.map((isBarred) => (isBarred ? unleased : answers[next++]!))
  })

/** Gives back those of a run's leases that it has not used up. */
export const giveBack = (core: Core, held: ReadonlyArray<Lease>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const mine = held.filter((lease) => core.leases.letGo(lease))
    if (mine.length === 0) return Effect.void
    return Effect.catchAll(core.tier.release(mine), (error) => core.storeFailed("*", error))
  })
