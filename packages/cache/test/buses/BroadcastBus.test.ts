/** Texts over the platform's `BroadcastChannel`, in one thread. */
import { expect, it } from "@effect/vitest"
import { BroadcastBus, Cache, CacheKey, type InvalidationBus, Reporter, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describe } from "vitest"

const key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })(1)

const until = <A>(answer: Effect.Effect<A, unknown>, holds: (a: A) => boolean) =>
  Effect.orDie(Effect.repeat(answer, { until: holds, schedule: Schedule.spaced("2 millis") }))

const instance = (channel: string) =>
  Effect.gen(function* () {
    const events: Array<string> = []
    const context = yield* Cache.layerWithBus().pipe(
      Layer.provide([BroadcastBus.layerWith({ channel }), Reporter.layerNoop]),
      Layer.fresh,
      Layer.build
    )
    yield* Effect.provide(
      Cache.listen((event) => void events.push("because" in event ? `${event._tag} ${event.because}` : event._tag)),
      context
    )
    yield* until(
      Effect.sync(() => events),
      (all) => all.includes("Gap Subscribed")
    )
    const { getOrSet, invalidate } = Context.get(context, Cache.Cache)
    const find = (value: string) => getOrSet(key, Effect.succeed(value), { timeToLive: "1 hour", awaitWrite: true })
    return { events, find, invalidate: invalidate(key) }
  })

/** What a bus hears until it hears `end`. */
const hearing = (bus: InvalidationBus.InvalidationBus["Type"]) =>
  Effect.gen(function* () {
    const heard: Array<string> = []
    const fiber = yield* Effect.fork(
      Stream.runForEachWhile(bus.texts, (text) => Effect.sync(() => heard.push(text) > 0 && text !== "end"))
    )
    yield* until(
      Effect.zipRight(
        bus.publish("begin"),
        Effect.sync(() => heard.length)
      ),
      (n) => n > 0
    )
    return Effect.as(Fiber.join(fiber), heard).pipe(Effect.map((all) => all.filter((text) => text !== "begin")))
  })

describe("BroadcastBus", () => {
  it.scopedLive("an invalidation is heard by the other cache, and by its own sender as nothing", () =>
    Effect.gen(function* () {
      const one = yield* instance("caches")
      const two = yield* instance("caches")
      yield* one.find("v0")
      expect(yield* two.find("v1")).toBe("v0")
      yield* two.invalidate
      yield* until(
        Effect.sync(() => one.events),
        (all) => all.includes("Heard")
      )
      expect(yield* one.find("v1")).toBe("v1")
      expect([one.events.includes("Gap Lost"), two.events.includes("Heard")]).toEqual([false, false])
    }).pipe(Effect.provide(Store.layerMemory))
  )

  it.scopedLive("whoever sends hears its own texts in order, behind what others sent before", () =>
    Effect.gen(function* () {
      const one = yield* BroadcastBus.make({ channel: "order" })
      const two = yield* BroadcastBus.make({ channel: "order" })
      const heard = yield* hearing(one)
      for (const text of ["1", "2", "3"]) yield* two.publish(text)
      for (const text of ["4", "5", "end"]) yield* one.publish(text)
      expect(yield* heard).toEqual(["1", "2", "3", "4", "5", "end"])
    })
  )

  it.scopedLive("different channels do not hear each other", () =>
    Effect.gen(function* () {
      const one = yield* BroadcastBus.make({ channel: "a" })
      const two = yield* BroadcastBus.make({ channel: "b" })
      const heard = yield* hearing(one)
      yield* two.publish("1")
      yield* one.publish("end")
      expect(yield* heard).toEqual(["end"])
    })
  )

  it.scopedLive("what is no text of a bus is a gap", () =>
    Effect.gen(function* () {
      const one = yield* instance("strangers")
      const stranger = new BroadcastChannel("strangers:bus:1")
      stranger.postMessage({ not: "a text" })
      yield* until(
        Effect.sync(() => one.events),
        (all) => all.includes("Gap Unreadable")
      )
      stranger.close()
    }).pipe(Effect.provide(Store.layerMemory))
  )

  it.scopedLive("a bus that is open and listened to does not keep the program alive", () =>
    Effect.gen(function* () {
      const before = process.getActiveResourcesInfo().filter((one) => one === "MessagePort").length
      const bus = yield* BroadcastBus.make({ channel: "alive" })
      yield* hearing(bus)
      expect(process.getActiveResourcesInfo().filter((one) => one === "MessagePort")).toHaveLength(before)
    })
  )

  it.live("after its scope nothing is sent, and that is a failure", () =>
    Effect.gen(function* () {
      const bus = yield* Effect.scoped(BroadcastBus.make())
      expect((yield* Effect.flip(bus.publish("1"))).detail).toBe("the channel is closed")
    })
  )
})
