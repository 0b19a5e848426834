/** `SentryReporter.layerScoped`, over one copy of the SDK, against a sink. */
import type * as Reporter from "@larder/cache/Reporter"
import { describe, expect, it } from "@effect/vitest"
import type { Event } from "@sentry/node"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import * as layers from "../../src/internal/layers.js"
import type { Sdk } from "../../src/internal/sdk.js"
import type { ScopedOptions } from "../../src/SentryReporter.js"
import { canary, captureLog, failure, type Line, NotFound, report, SqlError, storeError } from "./failures.js"
import * as Sink from "./sink.js"

export const suite = (name: string, sdk: Sdk) => {
  /** A sink, the layer that tells it, and the lines logged; the end of the layer's scope flushes. */
  const setup = (options: Omit<ScopedOptions, "dsn"> = {}, behaviour?: Sink.Behaviour) =>
    Effect.map(Sink.make(behaviour), (sink) => {
      const lines: Array<Line> = []
      const layer = Layer.mergeAll(layers.layerScoped(sdk)({ ...options, dsn: sink.dsn }), captureLog(lines))
      return { sink, lines, layer }
    })

  /** The events sent by a program, all of them: the scope of the layer is closed. */
  const sent = <E>(program: Effect.Effect<void, E, Reporter.Reporter>, options: Omit<ScopedOptions, "dsn"> = {}) =>
    Effect.gen(function* () {
      const { layer, sink } = yield* setup(options)
      yield* Effect.provide(program, layer)
      return sink
    }).pipe(
      Effect.map((sink) => ({ sink, events: sink.events() })),
      Effect.scoped
    )

  /** Events travel side by side: their order at the sink means nothing. */
  const sorted = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
    all.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))

  const types = (event: Event | undefined) => event?.exception?.values?.map((value) => value.type)
  const values = (event: Event | undefined) => event?.exception?.values?.map((value) => value.value)
  const functions = (event: Event | undefined, nth = -1) =>
    event?.exception?.values?.at(nth)?.stacktrace?.frames?.map((frame) => frame.function)

  describe(`${name} / what an event says`, () => {
    it.effect("which cache failed at what, and why", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_700_000_000_250)
        const { events } = yield* sent(report())
        expect(events).toHaveLength(1)
        expect(events[0]).toMatchObject({
          level: "warning",
          logger: "larder",
          platform: "node",
          timestamp: 1_700_000_000.25,
          fingerprint: ["larder", "features", "read", "StoreError", "Store"],
          tags: { "larder.cache": "features", "larder.operation": "read", "larder.kind": "Store" }
        })
        expect(types(events[0])).toEqual(["StoreError"])
        expect(values(events[0])).toEqual(["upstash: read failed (Timeout): no answer in 250 ms"])
        expect(events[0]).not.toHaveProperty("extra.suppressed")
      })
    )

    it.effect.each([
      ["a swallowed failure", false, Cause.fail("e"), "warning"],
      ["a surfaced failure", true, Cause.fail("e"), "error"],
      ["a swallowed defect", false, Cause.die("e"), "error"]
    ] as const)("%s has its level", ([, surfaced, cause, level]) =>
      Effect.gen(function* () {
        const { events } = yield* sent(report({ surfaced, cause }))
        expect(events.map((event) => event.level)).toEqual([level])
      })
    )

    it.effect("the places and the Effect spans an error came by are its frames", () =>
      Effect.gen(function* () {
        const lookup = Effect.fail(new NotFound({ id: 1 })).pipe(Effect.withSpan("findUser"), Effect.withSpan("GET"))
        const cause = yield* Effect.flip(Effect.sandbox(lookup))
        const { events } = yield* sent(report({ kind: "Lookup", operation: "lookup", surfaced: true, cause }))
        expect(types(events[0])).toEqual(["NotFound"])
        // Sentry's frames begin with the outermost.
        expect(functions(events[0])?.slice(0, 2)).toEqual(["GET", "findUser"])
        const innermost = events[0]?.exception?.values?.[0]?.stacktrace?.frames?.at(-1)
        expect(innermost).toMatchObject({ filename: import.meta.filename, in_app: true })
      })
    )

    it.effect("a span without a place is a frame by its name", () =>
      Effect.gen(function* () {
        const lookup = Effect.fail(new NotFound({ id: 1 })).pipe(
          Effect.withSpan("findUser", { captureStackTrace: false })
        )
        const cause = yield* Effect.flip(Effect.sandbox(lookup))
        const { events } = yield* sent(report({ cause }))
        expect(functions(events[0])?.[0]).toBe("findUser")
      })
    )

    it.effect("the causes of an error come before it, the deepest first", () =>
      Effect.gen(function* () {
        const { events } = yield* sent(report({ cause: Cause.fail(new SqlError()) }))
        expect(types(events[0])).toEqual(["Object", "RangeError", "SqlError"])
        expect(events[0]?.exception?.values?.map((value) => value.mechanism)).toEqual([
          { type: "chained", handled: true, source: "cause", exception_id: 2, parent_id: 1 },
          { type: "chained", handled: true, source: "cause", exception_id: 1, parent_id: 0 },
          { type: "larder", handled: true, exception_id: 0 }
        ])
      })
    )

    it.effect("errors that happened at once are one event, about the defect", () =>
      Effect.gen(function* () {
        const cause = Cause.parallel(Cause.fail(new NotFound({ id: 1 })), Cause.die(new RangeError()))
        const { events } = yield* sent(report({ cause }))
        expect(events).toHaveLength(1)
        expect(types(events[0])).toEqual(["NotFound", "RangeError"])
        expect(events[0]?.fingerprint).toContain("RangeError")
        expect(events[0]?.exception?.values?.[0]?.mechanism).toMatchObject({ source: "parallel[1]", parent_id: 0 })
      })
    )

    it.effect("a crowd of errors and a ring of causes are cut", () =>
      Effect.gen(function* () {
        const ring = new Error()
        ring.cause = ring
        const crowd = Array.from({ length: 50 }, () => Cause.fail(new NotFound({ id: 1 })))
        const { events } = yield* sent(
          Effect.zipRight(
            report({ cause: Cause.die(ring) }),
            report({ cause: crowd.reduce<Cause.Cause<unknown>>(Cause.parallel, Cause.empty) })
          )
        )
        expect(events.map((event) => types(event)?.length)).toEqual([5, 5])
      })
    )

    it.effect("a line of the log says it too", () =>
      Effect.gen(function* () {
        const { layer, lines } = yield* setup()
        yield* Effect.provide(report(), layer)
        expect(lines.map((line) => line.annotations)).toEqual([{ cache: "features", operation: "read", kind: "Store" }])
      }).pipe(Effect.scoped)
    )

    it.effect("a large event arrives", () =>
      Effect.gen(function* () {
        const { events, sink } = yield* sent(report(), { scrub: () => "0123456789".repeat(10_000) })
        expect(sink.packed()).toBe(1)
        expect(values(events[0])?.[0]).toHaveLength(100_000)
      })
    )
  })

  describe(`${name} / what an event never says`, () => {
    it.effect("no value of an application's error leaves the process, wherever the error carries it", () =>
      Effect.gen(function* () {
        const carriers: ReadonlyArray<unknown> = [
          canary,
          { canary },
          { _tag: "Refused", message: canary, cause: new Error(canary) },
          new Map([[canary, canary]]),
          [canary],
          { toString: () => canary },
          new Error(canary),
          new Error(`lines\n    at ${canary} (/${canary}.ts:1:1)\n    at ${canary}`),
          new Error("outer", { cause: new Error("inner", { cause: canary }) }),
          new AggregateError([new Error(canary)], canary),
          Object.assign(new Error("x"), { name: `${canary} is no name` }),
          Object.assign(new Error("x"), { _tag: `${canary} is no tag` }),
          Object.assign(new Error("x"), { body: canary, toJSON: () => canary }),
          new SqlError()
        ]
        const { layer, lines, sink } = yield* setup({ burst: Number.POSITIVE_INFINITY })
        const each = Effect.forEach(carriers, (carrier, i) =>
          report({ cause: Cause.parallel(Cause.fail(carrier), Cause.die(carrier)), operation: `read ${i}` })
        )
        yield* Effect.provide(each.pipe(Effect.annotateLogs("value", "v"), Effect.asVoid), layer)
        expect(sink.events()).toHaveLength(carriers.length)
        expect(lines).toHaveLength(carriers.length)
        expect(sink.bodies.join("\n")).not.toContain(canary)
        expect(JSON.stringify(lines)).not.toContain(canary)
      }).pipe(Effect.scoped)
    )

    it.effect("a withheld message says so: Sentry drops an event that says nothing", () =>
      Effect.gen(function* () {
        const { events } = yield* sent(report({ cause: Cause.fail(new SqlError()) }))
        expect(new Set(values(events[0]))).toEqual(new Set(["(message withheld)"]))
      })
    )

    it.effect("scrub decides for the message of every error and cause", () =>
      Effect.gen(function* () {
        const scrub = (message: string, type: string) => `${type}: ${message.replaceAll(canary, "…")}`
        const error = new NotFound({ id: 1 })
        error.cause = new RangeError(`no ${canary}`, { cause: new TypeError(canary) })
        const { events } = yield* sent(report({ cause: Cause.parallel(Cause.fail(error), Cause.fail(storeError())) }), {
          scrub
        })
        expect(values(events[0])).toEqual([
          "StoreError: upstash: read failed (Timeout): no answer in 250 ms",
          "TypeError: …",
          "RangeError: no …",
          "NotFound: "
        ])
      })
    )

    it.effect("a scrub that throws lets nothing pass", () =>
      Effect.gen(function* () {
        const { events } = yield* sent(report(), {
          scrub: () => {
            throw new Error(canary)
          }
        })
        expect(values(events[0])).toEqual(["(message withheld)"])
      })
    )

    it.effect("an error that throws when it is looked at is told as unreadable", () =>
      Effect.gen(function* () {
        const refuse = () => {
          throw new Error(canary)
        }
        const hostile = new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse, defineProperty: refuse })
        const { events } = yield* sent(report({ cause: Cause.die(hostile) }), { scrub: (message) => message })
        expect(events.map((event) => [types(event), values(event)])).toEqual([[["unreadable"], ["(message withheld)"]]])
      })
    )

    it.effect("an interruption is not told, a failure beside it is", () =>
      Effect.gen(function* () {
        const interrupted = Cause.interrupt(FiberId.none)
        const { events } = yield* sent(
          Effect.zipRight(
            report({ cause: interrupted }),
            report({ cause: Cause.sequential(interrupted, Cause.fail(new NotFound({ id: 1 }))) })
          )
        )
        expect(events.map(types)).toEqual([["NotFound"]])
      })
    )
  })

  describe(`${name} / how often`, () => {
    it.effect("an error that two caches report is told once", () =>
      Effect.gen(function* () {
        const error = new NotFound({ id: 1 })
        const { events } = yield* sent(
          Effect.zipRight(
            report({ cause: Cause.fail(error), cache: "inner" }),
            report({ cause: Cause.fail(error), cache: "outer" })
          )
        )
        expect(events.map((event) => event.tags?.["larder.cache"])).toEqual(["inner"])
      })
    )

    it.effect("an error that was raised again inside another span is the same error", () =>
      Effect.gen(function* () {
        const inner = yield* Effect.fail(new NotFound({ id: 1 })).pipe(
          Effect.withSpan("inner"),
          Effect.sandbox,
          Effect.flip
        )
        const outer = yield* Effect.failCause(inner).pipe(Effect.withSpan("outer"), Effect.sandbox, Effect.flip)
        const { events } = yield* sent(Effect.zipRight(report({ cause: inner }), report({ cause: outer })))
        expect(events).toHaveLength(1)
      })
    )

    it.effect("a frozen error is told once", () =>
      Effect.gen(function* () {
        const cause = Cause.fail(Object.freeze(new NotFound({ id: 1 })))
        const { events } = yield* sent(Effect.zipRight(report({ cause }), report({ cause })))
        expect(events).toHaveLength(1)
      })
    )

    it.effect("a frozen error that was raised inside two spans is told once", () =>
      Effect.gen(function* () {
        const raise = Effect.fail(Object.freeze(new NotFound({ id: 1 })))
        const inner = yield* raise.pipe(Effect.withSpan("inner"), Effect.sandbox, Effect.flip)
        const outer = yield* raise.pipe(Effect.withSpan("outer"), Effect.sandbox, Effect.flip)
        const { events } = yield* sent(Effect.zipRight(report({ cause: inner }), report({ cause: outer })))
        expect(events).toHaveLength(1)
      })
    )

    it.effect("a text has no identity and is told each time", () =>
      Effect.gen(function* () {
        const cause = Cause.fail("gone")
        const { events } = yield* sent(Effect.zipRight(report({ cause }), report({ cause })))
        expect(events).toHaveLength(2)
      })
    )

    it.effect("what was told already is left out of what was not", () =>
      Effect.gen(function* () {
        const first = Cause.fail(new RangeError())
        const { events } = yield* sent(
          Effect.zipRight(
            report({ cause: first }),
            report({ cause: Cause.parallel(first, Cause.fail(new NotFound({ id: 1 }))) })
          )
        )
        expect(sorted(events.map(types))).toEqual([["NotFound"], ["RangeError"]])
      })
    )

    it.effect("an error that is twice in a cause is told once", () =>
      Effect.gen(function* () {
        const error = new NotFound({ id: 1 })
        const { events } = yield* sent(report({ cause: Cause.sequential(Cause.fail(error), Cause.die(error)) }))
        expect(events.map(types)).toEqual([["NotFound"]])
      })
    )

    it.effect("five of a group in a minute, and the next has the number of those that were not", () =>
      Effect.gen(function* () {
        const many = Effect.repeatN(
          Effect.suspend(() => report()),
          11
        )
        const { events } = yield* sent(
          many.pipe(Effect.zipRight(TestClock.adjust("1 minute")), Effect.zipRight(Effect.suspend(() => report())))
        )
        expect(events).toHaveLength(6)
        const last = events.filter((event) => event.timestamp === 60)
        expect(last.map((event) => event.extra)).toEqual([{ suppressed: 7 }])
        expect(events.filter((event) => event.extra !== undefined)).toHaveLength(1)
      })
    )

    it.effect("an error of another name, cache, operation or kind has a limit of its own", () =>
      Effect.gen(function* () {
        const changes: ReadonlyArray<Partial<Reporter.CacheFailure>> = [
          {},
          { cause: Cause.fail("e") },
          { cache: "users" },
          { operation: "fill" },
          { kind: "Codec" }
        ]
        const once = Effect.forEach(changes, (change) => report(change), { discard: true })
        const { events } = yield* sent(Effect.repeatN(once, 2), { burst: 1 })
        expect(events).toHaveLength(5)
        expect(new Set(events.map((event) => event.fingerprint?.join())).size).toBe(5)
      })
    )
  })

  describe(`${name} / whose context`, () => {
    it.effect("the trace is that of the fiber's span, in the event and in the envelope", () =>
      Effect.gen(function* () {
        const span = yield* Effect.makeSpan("lookup")
        const { events, sink } = yield* sent(Effect.withParentSpan(report(), span))
        expect(events[0]?.contexts?.trace).toMatchObject({ trace_id: span.traceId, span_id: span.spanId })
        expect(sink.envelopes()[0]?.headers.trace?.trace_id).toBe(span.traceId)
      })
    )

    it.effect("a span with ids of another make, or none, leaves a trace of its own", () =>
      Effect.gen(function* () {
        const foreign = Tracer.externalSpan({ traceId: canary, spanId: canary })
        const { events, sink } = yield* sent(Effect.zipRight(Effect.withParentSpan(report(), foreign), report()))
        const traces = events.map((event) => event.contexts?.trace?.trace_id)
        expect(traces.every((id) => /^[0-9a-f]{32}$/.test(String(id)))).toBe(true)
        expect(new Set(traces).size).toBe(2)
        expect(sink.bodies.join()).not.toContain(canary)
      })
    )

    it.effect("only the annotations that are named become tags, and none takes the place of ours", () =>
      Effect.gen(function* () {
        const { events } = yield* sent(
          report().pipe(Effect.annotateLogs({ requestId: "r-1", email: canary, "larder.cache": "other" })),
          { annotations: ["requestId", "larder.cache", "absent"] }
        )
        expect(events[0]?.tags).toEqual({
          requestId: "r-1",
          "larder.cache": "features",
          "larder.operation": "read",
          "larder.kind": "Store"
        })
      })
    )

    it.effect("no scope, client or listener of the process is touched, and none is left", () =>
      Effect.gen(function* () {
        const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)])
        const before = listeners()
        const { events } = yield* sent(
          Effect.zipRight(
            report(),
            Effect.sync(() => expect(sdk.getClient()).toBeUndefined())
          )
        )
        expect(events).toHaveLength(1)
        expect(listeners()).toEqual(before)
      })
    )
  })

  describe(`${name} / nobody waits`, () => {
    const distinct = (count: number) =>
      Effect.forEach(Array.from({ length: count }).keys(), (i) => report({ operation: `read ${i}` }), { discard: true })

    it.live("a sink that hangs takes no time of a report, and a bounded time of the end", () =>
      Effect.gen(function* () {
        const { layer, lines, sink } = yield* setup({ closeTimeout: "50 millis", burst: Infinity }, "Hang")
        // A hanging request has no end: whoever waited for one would wait until the test's own limit.
        yield* Effect.provide(
          Effect.zipRight(
            distinct(200),
            Sink.until(() => sink.bodies.length > 0)
          ),
          layer
        )
        expect(lines).toHaveLength(200)
        // The queue is bounded: what was beyond was dropped.
        expect(sink.bodies.length).toBeLessThanOrEqual(64)
        // Nothing keeps the process alive.
        yield* Sink.until(() => sink.connections() === 0)
      }).pipe(Effect.scoped)
    )

    it.effect.each([
      [undefined, 2_000],
      ["50 millis", 50],
      [0, 1],
      [-1, 1],
      [Number.POSITIVE_INFINITY, 2_147_483_647]
    ] as const)("the end waits no longer than asked: %s is %i ms to Sentry", ([closeTimeout, expected]) =>
      Effect.gen(function* () {
        const sink = yield* Sink.make()
        const waited: Array<number | undefined> = []
        class Watched extends sdk.NodeClient {
          override close(timeout?: number) {
            waited.push(timeout)
            return super.close(timeout)
          }
        }
        const layer = layers.layerScoped({ ...sdk, NodeClient: Watched })({
          dsn: sink.dsn,
          closeTimeout,
          requestTimeout: closeTimeout ?? "1 seconds"
        })
        yield* Effect.provide(
          Effect.zipRight(
            report(),
            Sink.until(() => sink.events().length === 1)
          ),
          layer
        )
        expect(waited).toEqual([expected])
      }).pipe(Effect.scoped)
    )

    it.live(
      "a sink that hangs does not hold its place in the queue for good",
      () =>
        Effect.gen(function* () {
          const { layer, sink } = yield* setup(
            { requestTimeout: "20 millis", transportOptions: { bufferSize: 1 }, burst: Infinity },
            "Hang"
          )
          const program = Effect.gen(function* () {
            yield* report({ operation: "first" })
            yield* Sink.until(() => sink.bodies.length === 1)
            sink.behave("Accept")
            let n = 0
            yield* Effect.repeat(
              Effect.zipRight(
                Effect.suspend(() => report({ operation: `next ${n++}` })),
                Effect.sleep("5 millis")
              ),
              { until: () => sink.bodies.length > 1 }
            )
          })
          yield* Effect.provide(program, layer)
        }).pipe(Effect.scoped),
      5_000
    )

    it.live("a sink that answers 429 is left alone, and told at the end how many it was spared", () =>
      Effect.gen(function* () {
        const { layer, sink } = yield* setup({ burst: Infinity }, "Limit")
        const program = Effect.gen(function* () {
          yield* report({ operation: "first" })
          yield* Sink.until(() => sink.bodies.length === 1)
          const next = (n: number) => Effect.zipLeft(report({ operation: `next ${n}` }), Effect.sleep("5 millis"))
          yield* Effect.forEach(Array.from({ length: 20 }).keys(), next)
        })
        yield* Effect.provide(program, layer)
        const quantity = 21 - sink.events().length
        expect(quantity).toBeGreaterThan(0)
        expect(sink.clientReports()).toMatchObject([
          { discarded_events: [{ reason: "ratelimit_backoff", category: "error", quantity }] }
        ])
      }).pipe(Effect.scoped)
    )

    it.live("a sink that is not there fails nobody", () =>
      Effect.gen(function* () {
        const dsn = yield* Effect.scoped(Effect.map(Sink.make(), (sink) => sink.dsn))
        const lines: Array<Line> = []
        const layer = Layer.merge(layers.layerScoped(sdk)({ dsn, closeTimeout: "1 seconds" }), captureLog(lines))
        yield* Effect.provide(report(), layer)
        expect(lines).toHaveLength(1)
      })
    )

    const beforeSends: ReadonlyArray<readonly [string, NonNullable<ScopedOptions["beforeSend"]>]> = [
      [
        "throws",
        () => {
          throw new Error("beforeSend")
        }
      ],
      ["answers nothing", () => null],
      ["rejects", () => Promise.reject(new Error("beforeSend"))],
      ["never answers", () => new Promise<never>(() => undefined)]
    ]

    it.effect.each(beforeSends)("a beforeSend that %s fails nobody", ([, beforeSend]) =>
      Effect.gen(function* () {
        const { layer, lines, sink } = yield* setup({ beforeSend, closeTimeout: "50 millis" })
        const exit = yield* Effect.exit(Effect.provide(report(), layer))
        expect(Exit.isSuccess(exit)).toBe(true)
        expect(lines).toHaveLength(1)
        expect(sink.events().some((event) => event.fingerprint?.includes("features"))).toBe(false)
      }).pipe(Effect.scoped)
    )

    it.effect("beforeSend sees an event without values and no error", () =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const { events } = yield* sent(report({ cause: Cause.fail(new SqlError()) }), {
          beforeSend: (event, hint) => {
            seen.push(event.exception, hint.originalException)
            return event
          }
        })
        expect(events).toHaveLength(1)
        expect(seen).toHaveLength(2)
        expect(seen[1]).toBeUndefined()
        expect(JSON.stringify(seen)).not.toContain(canary)
      })
    )
  })

  describe(`${name} / dsn`, () => {
    it.effect("may be redacted", () =>
      Effect.gen(function* () {
        const sink = yield* Sink.make()
        yield* Effect.provide(report(), layers.layerScoped(sdk)({ dsn: Redacted.make(sink.dsn) }))
        expect(sink.events()).toHaveLength(1)
      }).pipe(Effect.scoped)
    )

    it.effect("when empty, only the log is written", () =>
      Effect.gen(function* () {
        const lines: Array<Line> = []
        yield* Effect.provide(report(), Layer.merge(layers.layerScoped(sdk)({ dsn: " " }), captureLog(lines)))
        expect(lines).toHaveLength(1)
      })
    )

    it.effect.each([canary, `https://host/${canary}`, `https://${canary}@host`, `ftp://${canary}@host/1`, "http://"])(
      "%s is none, and is not repeated in the error",
      (dsn) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(Effect.provide(report(failure()), layers.layerScoped(sdk)({ dsn })))
          expect(error._tag).toBe("ConfigurationError")
          expect(error.message).toBe("SentryReporter.layerScoped: dsn: expected the form https://key@host/project")
        })
    )
  })
}
