import { describe, expect, it } from "@effect/vitest"
import { strictEqual } from "@effect/vitest/utils"
import { Cache, type CacheEvent, CacheKey } from "@larder/cache"
import { Faults } from "@larder/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { faulty, plain, recordEvents } from "../support/caches.js"
import * as Source from "../support/source.js"
import { advance, settle, under } from "../support/time.js"

const Key = CacheKey.make({
  prefix: "users",
  key: (id: number) => ["id", id],
  schema: Schema.String,
  tags: (id) => [`team:${id % 2}`]
})
const key = Key(1)

const line = (event: CacheEvent.CacheEvent) => {
  const { _tag, ...rest } = event
  return [_tag, ...Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`)].join(" ")
}

describe("Cache / events", () => {
  it.scoped("a story is told in the order in which it happened, without a value in it", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const source = yield* Source.make
      const { all } = yield* recordEvents
      const policy = { timeToLive: "1 minute", staleWhileRevalidate: "1 minute", staleIfError: "1 hour" } as const
      const call = Cache.withCache(source.lookup, key, policy)
      const held = yield* source.hold
      const calls = yield* Effect.fork(Effect.all([call, call], { concurrency: 2 }))
      yield* held.begun
      yield* advance(20)
      yield* held.answer
      yield* Fiber.join(calls)
      yield* call
      yield* advance("1 minute")
      yield* call
      yield* advance("3 minutes")
      yield* source.setDown(true)
      yield* call
      yield* call
      yield* cache.invalidateTags("team:1")
      yield* Effect.flip(call)
      yield* cache.set(key, "secret")
      yield* Cache.withoutCache(Effect.flip(call))
      yield* cache.expire(key, Key(2))
      yield* cache.clear({ prefix: "users", scope: "id" })
      yield* Cache.withCache(Effect.succeed("secret"), Key(2), { cacheable: () => false })
      yield* Effect.flatMap(Faults.Faults, (faults) => faults.set({ fault: Faults.fail(), on: "invalidate" }))
      yield* Effect.ignore(cache.invalidate(Key(3)))
      strictEqual(
        (yield* all).map(line).join("\n"),
        `Miss cache=users key=V1.users.id.1
Joined cache=users key=V1.users.id.1
LookupSucceeded millis=20 cache=users key=V1.users.id.1
Stored cache=users key=V1.users.id.1
Hit cache=users key=V1.users.id.1
Stale because=Revalidate cache=users key=V1.users.id.1
Refresh cache=users key=V1.users.id.1
LookupSucceeded millis=0 cache=users key=V1.users.id.1
Stored cache=users key=V1.users.id.1
Miss cache=users key=V1.users.id.1
LookupFailed millis=0 cache=users key=V1.users.id.1
Stale because=Error cache=users key=V1.users.id.1
Stale because=Backoff cache=users key=V1.users.id.1
Invalidated keys= tags=t:team:1 acknowledged=true
Miss cache=users key=V1.users.id.1
LookupFailed millis=0 cache=users key=V1.users.id.1
Stored cache=users key=V1.users.id.1
Bypassed cache=users key=V1.users.id.1
Expired keys=V1.users.id.1,V1.users.id.2 tags= acknowledged=true
Invalidated keys= tags=s:users.id acknowledged=true
Miss cache=users key=V1.users.id.2
LookupSucceeded millis=0 cache=users key=V1.users.id.2
Uncacheable cache=users key=V1.users.id.2
StoreFailed operation=invalidate reason=Unavailable
Invalidated keys=V1.users.id.3 tags= acknowledged=false
Replayed keys=V1.users.id.3 tags=`
      )
    }).pipe(under(faulty()))
  )

  it.scoped("a reader that does not read loses the oldest, and holds up nobody", () =>
    Effect.gen(function* () {
      const cache = yield* Cache.Cache
      const read: Array<CacheEvent.CacheEvent> = []
      const gate = yield* Effect.makeLatch()
      yield* Effect.forkScoped(
        Stream.runForEach(cache.events, (event) =>
          Effect.zipRight(
            gate.await,
            Effect.sync(() => read.push(event))
          )
        )
      )
      yield* settle
      for (let i = 0; i < 5000; i++) yield* cache.invalidate(Key(i))
      yield* gate.open
      yield* settle
      yield* settle
      expect(read.length).toBeLessThan(5000)
      expect(read.at(-1)).toMatchObject({ keys: ["V1.users.id.4999"] })
    }).pipe(under(plain()))
  )
})
