/** The fences of a world: one of the doors of a cache, and what the judge is told of it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Judge from "./judge.js"
import { Key } from "./judge.js"
import type { Parts } from "./parts.js"
import type { Fence, Id } from "./words.js"

const isHard = (by: Fence) => by !== "expire" && by !== "expireTag"
/** These write the source themselves, and do not say whether the store took it: what the journal hides is replayed. */
const isMutation = (by: Fence) => by === "writeThrough" || by === "mutate"

export const make = ({
  database,
  fork,
  judge,
  note,
  policy,
  timeline
}: Pick<Parts, "database" | "fork" | "judge" | "note" | "policy" | "timeline">): Parts["fence"] => {
  const writing = (id: Id) => ({
    ...policy,
    tags: (): ReadonlyArray<string> => (Judge.learns(id) ? ["valued", Judge.learntTag] : ["valued"])
  })

  return (instance, by, id, changes) => {
    const { life } = instance
    const cache = instance.cache!
    const some = Judge.touched(by, id)
    if (changes && !isMutation(by)) judge.changed(some)
    const made = judge.call(life, false)
    const fence = judge.fenceBegins(life, some, isHard(by), `${by} of key ${id}`)
    let origin: Judge.Origin | undefined
    const writes = (kind: "set" | "write") => {
      if (kind === "write") judge.changed([id])
      origin = judge.begin(made, id, kind)
      judge.read(origin)
      if (kind === "write") judge.fenceWrites(fence, origin.readTick)
      return origin.number
    }
    const door = (): Effect.Effect<unknown, unknown> => {
      switch (by) {
        case "invalidate":
          return cache.invalidate(Key(id))
        case "declared":
          return cache.invalidateTags("both")
        case "learnt":
          return cache.invalidateTags(Judge.learntTag)
        case "prefix":
          return cache.clear({ prefix: "world" })
        case "expire":
          return cache.expire(Key(id))
        case "expireTag":
          return cache.expireTags("both")
        case "set":
          return cache.set(Key(id), writes("set"), writing(id))
        case "writeThrough": {
          const { before } = database.get(id)!
          const write = Effect.zipRight(
            Effect.sleep(before),
            Effect.sync(() => writes("write"))
          )
          return cache.writeThrough(Key(id), write, writing(id))
        }
        case "mutate": {
          const { after, before } = database.get(id)!
          const write = Effect.sync(() => {
            if (changes) judge.changed([id])
            judge.fenceWrites(fence, timeline.tick())
          })
          const mutation = Effect.sleep(before).pipe(Effect.zipRight(write), Effect.zipRight(Effect.sleep(after)))
          return cache.mutate(mutation, { keys: [Key(id)] })
        }
      }
    }
    const fiber = fork(life, door())
    fiber.addObserver((exit) => {
      if (!life.alive) return
      if (origin !== undefined) judge.end(origin, false)
      const acknowledged = Exit.isSuccess(exit) && !isMutation(by)
      note(
        `${life.instance}: ${by} of ${id} returned, ${acknowledged ? "acknowledged" : "not known to be acknowledged"}`
      )
      judge.fenceReturns(fence, acknowledged)
    })
    timeline.settle()
  }
}
