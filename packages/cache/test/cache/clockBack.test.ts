/** A clock that is set back: what bounds how old an answer from memory may be must hold all the same. */
import { describe, expect, it } from "@effect/vitest"
import { Cache, CacheKey, type InvalidationBus, Reporter, Store } from "@larder/cache"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Bus from "../support/bus.js"
import * as Source from "../support/source.js"
import { advance, under } from "../support/time.js"

const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
const stored = { timeToLive: "1 day", awaitWrite: true } as const

type Layered = Layer.Layer<Cache.Cache, never, Store.Store | InvalidationBus.InvalidationBus | Reporter.Reporter>

/** The time of day of a clock that somebody sets; what sleeps wakes by the time that passes. */
const settable = Effect.map(Effect.clock, (clock) => {
  let offset = 0
  const millis = () => clock.unsafeCurrentTimeMillis() + offset
  const settable: Clock.Clock = {
    ...clock,
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: millis,
    currentTimeMillis: Effect.sync(millis)
  }
  return { clock: settable, setBack: (millis: number) => void (offset -= millis) }
})

/**
 * A cache that holds a value, and looks another one up. Both are invalidated elsewhere, which nobody hears, and the
 * clock is set back by an hour.
 */
const scene = <A, E, R>(
  layer: Layered,
  test: (scene: {
    readonly find: (id: number) => Effect.Effect<string, unknown>
    readonly answer: Effect.Effect<string, unknown>
    readonly events: ReadonlyArray<string>
  }) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(settable, ({ clock, setBack }) =>
    Effect.withClock(
      Effect.gen(function* () {
        const context = yield* Layer.build(Layer.provide(layer, Reporter.layerNoop))
        const { getOrSet } = Context.get(context, Cache.Cache)
        const events: Array<string> = []
        yield* Effect.provide(
          Cache.listen((event) => void events.push(event._tag)),
          context
        )
        const source = yield* Source.make
        const find = (id: number) => getOrSet(Key(id), source.lookup, stored)
        yield* advance(3_000)
        yield* find(1)
        const held = yield* source.hold
        const early = yield* Effect.fork(find(2))
        yield* held.begun
        yield* source.change
        const { hub } = yield* Bus.Control
        hub.deafen()
        const store = yield* Store.Store
        yield* store.invalidate({ keys: [1, 2].map((id) => ({ key: Key(id).id, shapes: [] })), tags: [] })
        setBack(3_600_000)
        yield* advance(5_000)
        return yield* test({ find, events, answer: Effect.zipRight(held.answer, Fiber.join(early)) })
      }),
      clock
    )
  ).pipe(under(Bus.layer({ carried: true })))

describe("Cache / a clock that is set back", () => {
  it.scoped.each([
    ["without a bus", Cache.layerWith({ memory: true })],
    ["with a bus that is cut off", Cache.layerWithBus()]
  ] as const)("does not prolong what is in memory, %s", ([, layer]) =>
    scene(layer, ({ find }) => Effect.map(find(1), (value) => expect(value).toBe("v1")))
  )

  it.scoped("does not prolong for how long a lookup is joined", () =>
    scene(Cache.layerWithBus(), ({ answer, find }) =>
      Effect.gen(function* () {
        const late = yield* Effect.fork(find(2))
        yield* advance(0)
        expect(yield* answer).toBe("v0")
        expect(yield* Fiber.join(late)).toBe("v1")
      })
    )
  )

  it.scoped("does not prolong for how long a silent bus is believed", () =>
    scene(Cache.layerWithBus(), ({ events }) =>
      Effect.gen(function* () {
        yield* advance(5_000)
        expect(events).toContain("BusLost")
      })
    )
  )
})
