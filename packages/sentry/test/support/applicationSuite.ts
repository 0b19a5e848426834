/** `SentryReporter.layer`, beside an application's own `Sentry.init`, against a sink. */
import * as Reporter from "@larder/cache/Reporter"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import type * as Sentry from "@sentry/node"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as layers from "../../src/internal/layers.js"
import { canary, captureLog, failure, type Line, NotFound, report, SqlError } from "./failures.js"
import * as Sink from "./sink.js"

export const suite = (name: string, sdk: typeof Sentry) => {
  describe(name, () => {
    const scope = Effect.runSync(Scope.make())
    const layer = layers.layerWith(sdk)({})
    let sink: Sink.Sink
    // Built while there is no client.
    let early: Reporter.Reporter["Type"]
    const earlyLines: Array<Line> = []

    beforeAll(async () => {
      sink = await Effect.runPromise(Scope.extend(Sink.make(), scope))
      early = await Effect.runPromise(Effect.provide(Reporter.Reporter, layer))
      const before = report().pipe(Effect.provideService(Reporter.Reporter, early))
      await Effect.runPromise(Effect.provide(before, captureLog(earlyLines)))
      sdk.init({
        dsn: sink.dsn,
        tracesSampleRate: 1,
        enableRuntimeChannelInjection: false,
        initialScope: { tags: { service: "shop" } },
        // Beside the default ones, which follow causes: this one sends the fields of an error.
        integrations: [sdk.extraErrorDataIntegration({ depth: 5 })]
      })
      sdk.getGlobalScope().setTag("region", "eu")
    })
    beforeEach(() => sink.clear())
    afterAll(async () => {
      await sdk.close(100)
      await Effect.runPromise(Scope.close(scope, Exit.void))
    })

    /** Runs a program and answers the events it sent. */
    const sent = <E>(program: Effect.Effect<void, E, Reporter.Reporter>) =>
      program.pipe(
        Effect.provide(layer),
        Effect.zipRight(Effect.promise(() => Promise.resolve(sdk.flush(5_000)))),
        Effect.map(() => sink.events())
      )

    const types = (event: Sentry.Event | undefined) => event?.exception?.values?.map((value) => value.type)

    it.effect("that the store works again is in the log, and is no event", () => {
      const lines: Array<Line> = []
      const recovery = { cache: "features", operation: "read", millis: 3_000 }
      const told = Effect.flatMap(Reporter.Reporter, ({ recovered }) => recovered?.(recovery) ?? Effect.void)
      return Effect.gen(function* () {
        expect(yield* sent(told)).toEqual([])
        expect(lines.map(({ text }) => text)).toEqual(["features: read works again (Store), after 3s"])
      }).pipe(Effect.provide(captureLog(lines)))
    })

    it.effect("before init only the log is written, and nothing is sent later", () =>
      Effect.gen(function* () {
        expect(earlyLines).toHaveLength(1)
        expect(yield* sent(Effect.void)).toEqual([])
      })
    )

    it.effect("a reporter built before init tells the client of init", () =>
      Effect.gen(function* () {
        const events = yield* sent(early.report(failure({ operation: "early" })))
        expect(events.map((event) => event.tags?.["larder.operation"])).toEqual(["early"])
      })
    )

    it.effect("an event has the tags of the process: those of the global scope and of initialScope", () =>
      Effect.gen(function* () {
        const events = yield* sent(report())
        expect(events[0]?.tags).toMatchObject({ service: "shop", region: "eu", "larder.cache": "features" })
      })
    )

    it.effect("no integration finds a value in an event", () =>
      Effect.gen(function* () {
        sdk.addBreadcrumb({ message: canary })
        sdk.getClient()?.addEventProcessor((event) => {
          // As `includeLocalVariables` does.
          for (const frame of event.exception?.values?.flatMap((value) => value.stacktrace?.frames ?? []) ?? []) {
            frame.vars = { password: canary }
          }
          return event
        })
        const events = yield* sent(report({ cause: Cause.fail(new SqlError()), surfaced: true }))
        expect(types(events[0])).toEqual(["Object", "RangeError", "SqlError"])
        expect(events[0]?.exception?.values?.[2]?.stacktrace?.frames?.length).toBeGreaterThan(0)
        // Not the whole of what was sent: spans of the application's own have its breadcrumbs, and may.
        expect(JSON.stringify(events)).not.toContain(canary)
      })
    )

    it.live("a fiber that another fiber woke does not report under the other's user, tags and trace", () =>
      Effect.gen(function* () {
        const woken = yield* Deferred.make<void>()
        let around: unknown
        let leaderTrace: string | undefined
        let ownTrace: string | undefined
        const waiter = yield* Effect.gen(function* () {
          yield* Deferred.await(woken)
          around = sdk.getIsolationScope().getScopeData().user["id"]
          ownTrace = (yield* Effect.currentSpan).traceId
          yield* report()
        }).pipe(Effect.withSpan("waiter"), Effect.provide(layer), Effect.provide(captureLog([])), Effect.fork)
        yield* Effect.sleep("1 millis")
        sdk.withIsolationScope((isolation) => {
          isolation.setUser({ id: "leader" })
          isolation.setTag("tenant", "leader")
          isolation.addBreadcrumb({ message: "leader" })
          sdk.getCurrentScope().setTag("route", "leader")
          sdk.startSpan({ name: "leader" }, (span) => {
            leaderTrace = span.spanContext().traceId
            Effect.runFork(Deferred.succeed(woken, undefined))
          })
        })
        yield* Fiber.join(waiter)
        const [event] = yield* sent(Effect.void)
        // What Sentry would have taken: this is the trap.
        expect(around).toBe("leader")
        expect(event?.tags?.["larder.cache"]).toBe("features")
        expect(JSON.stringify(event)).not.toContain("leader")
        expect(event?.contexts?.trace?.trace_id).toBe(ownTrace)
        // The leader's own span is sent too, in an envelope of its own.
        const envelope = sink.envelopes().find(({ items }) => items.some(([header]) => header.type === "event"))
        expect(envelope?.headers.trace?.trace_id).toBe(ownTrace)
        expect(JSON.stringify(envelope)).not.toContain(leaderTrace)
      })
    )

    it.effect("the trace stands before an integration could look for one", () =>
      Effect.gen(function* () {
        const traces: Array<unknown> = []
        const forget = sdk.getClient()?.on("preprocessEvent", (event) => {
          if (event.logger === "larder") traces.push(event.contexts?.trace?.trace_id)
        })
        const span = yield* Effect.makeSpan("lookup")
        yield* sent(Effect.withParentSpan(report(), span))
        forget?.()
        expect(traces).toEqual([span.traceId])
      })
    )

    it.effect("what is reported leaves nothing in the application's scopes", () =>
      Effect.gen(function* () {
        const scopes = () =>
          JSON.stringify(
            [sdk.getCurrentScope(), sdk.getIsolationScope(), sdk.getGlobalScope()].map((one) => one.getScopeData())
          )
        const before = [scopes(), sdk.lastEventId()]
        expect(yield* sent(report())).toHaveLength(1)
        expect([scopes(), sdk.lastEventId()]).toEqual(before)
        expect(scopes()).not.toContain("larder")
      })
    )

    it.effect("an error that was reported is not sent again when the application captures it", () =>
      Effect.gen(function* () {
        const error = new NotFound({ id: 1 })
        const capture = Effect.sync(() => sdk.captureException(error))
        const events = yield* sent(Effect.zipRight(report({ cause: Cause.fail(error) }), Effect.asVoid(capture)))
        expect(events.map((event) => event.logger)).toEqual(["larder"])
      })
    )

    it.effect("an error that the application captured is not sent again when it is reported", () =>
      Effect.gen(function* () {
        const error = new NotFound({ id: 1 })
        const capture = Effect.sync(() => sdk.captureException(error))
        const events = yield* sent(Effect.zipRight(capture, report({ cause: Cause.fail(error) })))
        expect(events.map((event) => event.logger)).toEqual([undefined])
      })
    )

    it.effect("an error that the rate limit held back can still be captured", () =>
      Effect.gen(function* () {
        const error = new NotFound({ id: 1 })
        const program = report({ cause: Cause.fail(error) }).pipe(
          Effect.provide(layers.layerWith(sdk)({ burst: 0 })),
          Effect.zipRight(Effect.sync(() => void sdk.captureException(error)))
        )
        expect(yield* sent(program)).toHaveLength(1)
      })
    )

    it.effect("a failure that equals the one before is told, with the number of those that were suppressed", () =>
      Effect.gen(function* () {
        const again = Effect.zipRight(report(), report())
        const program = again.pipe(Effect.zipRight(TestClock.adjust("1 minute")), Effect.zipRight(again))
        const events = yield* sent(Effect.provide(program, layers.layerWith(sdk)({ burst: 1 })))
        expect(events).toHaveLength(2)
        expect(events.flatMap((event) => event.extra?.["suppressed"] ?? [])).toEqual([1])
        expect(new Set(events.map((event) => event.fingerprint?.join())).size).toBe(1)
      })
    )

    it.effect("an error without message and stack passes the filter of useless events", () =>
      Effect.gen(function* () {
        const error = Object.assign(new Error(), { stack: "" })
        const events = yield* sent(report({ cause: Cause.die(error) }))
        expect(events.map(types)).toEqual([["Error"]])
      })
    )

    it.effect("the end of the layer's scope leaves the application's client open", () =>
      Effect.gen(function* () {
        yield* sent(report())
        sink.clear()
        sdk.captureMessage("still here")
        const events = yield* sent(Effect.void)
        expect(events.map((event) => event.message)).toEqual(["still here"])
      })
    )

    // Last: a hook that throws leaves Sentry's client waiting for an event that will never be.
    it.effect("an event processor that throws fails nobody", () =>
      Effect.gen(function* () {
        sdk.getClient()?.addEventProcessor((event) => {
          if (event.tags?.["larder.operation"] === "explode") throw new Error("event processor")
          return event
        })
        sdk.getClient()?.on("preprocessEvent", (event) => {
          if (event.tags?.["larder.operation"] === "hook") throw new Error("hook")
        })
        const lines: Array<Line> = []
        const both = Effect.zipRight(report({ operation: "explode" }), report({ operation: "hook" }))
        const exit = yield* Effect.exit(Effect.provide(both, Layer.merge(layer, captureLog(lines))))
        expect(Exit.isSuccess(exit)).toBe(true)
        expect(lines).toHaveLength(2)
      })
    )
  })
}
