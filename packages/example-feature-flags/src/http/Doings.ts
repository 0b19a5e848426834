/** What the cache of this instance did, counted, and the invalidations that its store has not acknowledged. */
import * as Cache from "@larder/cache/Cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Doings extends Context.Tag("example-feature-flags/http/Doings")<
  Doings,
  {
    readonly hits: () => number
    readonly misses: () => number
    readonly storeFailures: () => number
    /** How many names there are whose invalidation the store does not know of. */
    readonly unacknowledged: () => number
  }
>() {}

export const layer: Layer.Layer<Doings, never, Cache.Cache> = Layer.scoped(
  Doings,
  Effect.gen(function* () {
    const counts = { Hit: 0, Miss: 0, StoreFailed: 0 }
    const owed = new Set<string>()
    yield* Cache.listen((event) => {
      switch (event._tag) {
        case "Hit":
        case "Miss":
        case "StoreFailed":
          counts[event._tag] += 1
          return
        case "Invalidated":
          if (!event.acknowledged) for (const name of [...event.keys, ...event.tags]) owed.add(name)
          return
        case "Replayed":
          for (const name of [...event.keys, ...event.tags]) owed.delete(name)
      }
    })
    return {
      hits: () => counts.Hit,
      misses: () => counts.Miss,
      storeFailures: () => counts.StoreFailed,
      unacknowledged: () => owed.size
    }
  })
)
