/**
 * One failure as one event, handed to a client and forgotten: the client sends in the background, holds a bounded
 * number of events, and drops what is beyond.
 */
import * as Reporter from "@larder/cache/Reporter"
import type { Event } from "@sentry/node"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Options } from "../SentryReporter.js"
import * as captured from "./captured.js"
import * as exceptions from "./exceptions.js"
import type { Client, Sdk } from "./sdk.js"

type Runtime = Fiber.RuntimeFiber<unknown, unknown>

const traceId = /^[0-9a-f]{32}$/
const spanId = /^[0-9a-f]{16}$/

/** The span of the fiber, when its ids are those of a distributed trace. */
const spanOf = (fiber: Runtime): Option.Option<Tracer.AnySpan> =>
  Context.getOption(fiber.currentContext, Tracer.ParentSpan).pipe(
    Option.filter((span) => traceId.test(span.traceId) && spanId.test(span.spanId))
  )

const annotationsOf = (fiber: Runtime, names: ReadonlyArray<string>): Record<string, string> => {
  const all = fiber.getFiberRef(FiberRef.currentLogAnnotations)
  return Object.fromEntries(
    names.flatMap((name) => Option.toArray(HashMap.get(all, name)).map((value) => [name, String(value)]))
  )
}

/**
 * Two scopes made from the fiber that reports. The SDK would take its own from an AsyncLocalStorage, which follows
 * promises and not fibers: a fiber woken by another would report under the other's user and tags.
 */
const scopesOf = (sdk: Sdk, client: Client, fiber: Runtime, fingerprint: Array<string>) => {
  const scope = new sdk.Scope()
  scope.setClient(client)
  scope.update(client.getOptions().initialScope)
  const own = scope.getPropagationContext()
  const span = Option.getOrUndefined(spanOf(fiber))
  const trace = { trace_id: span?.traceId ?? own.traceId, span_id: span?.spanId ?? own.traceId.slice(16) }
  scope.setPropagationContext({ ...own, traceId: trace.trace_id, propagationSpanId: trace.span_id })
  // After every integration. One of them attaches the values of local variables to the frames of a stack.
  scope.addEventProcessor((event) => {
    for (const exception of event.exception?.values ?? []) {
      for (const frame of exception.stacktrace?.frames ?? []) delete frame.vars
    }
    return { ...event, fingerprint }
  })
  return { scope, isolation: new sdk.Scope(), trace, unique: own.traceId }
}

export const make = (sdk: Sdk, client: () => Client | undefined, options: Options) => {
  const admit = Reporter.rateLimit(options)
  const seen = captured.make()

  const send = (client: Client, fiber: Runtime, fingerprint: Array<string>, event: Event) => {
    const { isolation, scope, trace, unique } = scopesOf(sdk, client, fiber, fingerprint)
    const tags = { ...annotationsOf(fiber, options.annotations ?? []), ...event.tags }
    // An integration of Sentry 11 drops an event that equals the one before, and with it the number of those that were
    // suppressed. Until the integrations are done, no two are equal.
    const unlike = [...fingerprint, unique]
    const whole = { ...event, tags, fingerprint: unlike, contexts: { trace } }
    sdk.withIsolationScope(isolation, () =>
      sdk.withActiveSpan(null, () => client.captureEvent(whole, undefined, scope))
    )
  }

  return (failure: Reporter.CacheFailure): Effect.Effect<void> =>
    Effect.withFiberRuntime<void>((fiber) => {
      const to = client()
      // Defects first: they are what the event is about when there are both.
      const errors = new Set([...Cause.defects(failure.cause), ...Cause.failures(failure.cause)])
      const unseen = [...errors].filter((error) => !seen.has(error))
      if (to === undefined || unseen.length === 0) return Effect.void
      const { cache, kind, operation } = failure
      const fingerprint = ["larder", cache, operation, Reporter.errorName(unseen[0]), kind]

      return Effect.flatMap(admit(JSON.stringify(fingerprint)), (admitted) => {
        if (Option.isNone(admitted)) return Effect.void
        return Effect.map(Clock.currentTimeMillis, (now) => {
          unseen.forEach(seen.add)
          send(to, fiber, fingerprint, {
            level: Reporter.severity(failure) === "Error" ? "error" : "warning",
            logger: "larder",
            timestamp: now / 1000,
            tags: { "larder.cache": cache, "larder.operation": operation, "larder.kind": kind },
            exception: { values: exceptions.make(to, options.scrub, unseen) },
            ...(admitted.value === 0 ? {} : { extra: { suppressed: admitted.value } })
          })
        })
      })
      // Hooks and event processors of the application run in here, and may throw.
    }).pipe(Effect.catchAllCause(() => Effect.void))
}
