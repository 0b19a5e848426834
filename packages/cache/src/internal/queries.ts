/**
 * Read or compute: the way of a call from the key to the answer.
 *
 *     look ─► decide ─┬─ Serve ────────────────► the value
 *                     ├─ ServeAndRefresh ──────► the value, a flight behind
 *                     ├─ ServeStale ───────────► the old value
 *                     └─ Lookup ─► depart ─────► join a flight or launch one; its landing, or the old value
 *
 * Whatever fails below, the answer is the lookup's own or a stale one that the policy allows.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { ConfigurationError } from "../CacheError.js"
import type { CacheKey } from "../CacheKey.js"
import * as CacheMode from "../CacheMode.js"
import * as CachePolicy from "../CachePolicy.js"
import type { View } from "../StoreTier.js"
import type { Core } from "./core.js"
import { isFor, outerOf } from "./currentLookup.js"
import * as dependencies from "./dependencies.js"
import { type Call, depart, type Leg, refreshBehind, straight } from "./departures.js"
import { writeThrough } from "./fencing.js"
import { dependOn, observing } from "./inheriting.js"
import { itemOf } from "./item.js"
import { keeps } from "./keeping.js"
import { reportLookup } from "./failures.js"
import { content, decisionFor, look, nowOf } from "./reading.js"
import * as requestMemo from "./requestMemo.js"

type Any<A> = Effect.Effect<A, any, any>

/** A policy, key or tag that is not usable: told, and the call goes on without the cache. */
export const reportPolicy = (core: Core, cache: string, error: unknown): Effect.Effect<void> =>
  core.report({ kind: "Policy", cache, operation: "policy", surfaced: false, cause: Cause.fail(error) })

/**
 * The answer for the one key of a call. A hit takes the short way: no fork, no span, three steps of the fiber beside
 * the store's.
 */
export const answer = (core: Core, call: Call): Any<unknown> => {
  const item = call.items[0]!
  if (call.outer !== undefined && isFor(call.outer, item.flightId)) return first(straight(core, call, [0]))
  return Effect.withFiberRuntime((fiber) => {
    const begun = { millis: nowOf(fiber), moment: core.hardFences.now() }
    return Effect.flatMap(look(core, call.items, readsBelow(call)), (views) => {
      const view = views[0]!
      const ahead = item.policy.refreshAhead > 0
      if (!ahead && decisionFor(core, item, view, nowOf(fiber), 0)._tag === "Serve") {
        core.tally.hit(item.key.prefix)
        core.emitKey(item.key, { _tag: "Hit" })
        call.observe?.(0, dependencies.seen(item.key.id, view, true))
        return content(view)
      }
      return first(settle(core, call, [0], views, begun, 1))
    })
  })
}

export const first = (values: Any<ReadonlyArray<unknown>>): Any<unknown> => Effect.map(values, ([value]) => value)

/** The answers for all keys of a call, in their order; fails with the failure of the first key that fails. */
export const answers = (core: Core, call: Call): Any<ReadonlyArray<unknown>> => {
  const all = call.items.map((_, i) => i)
  if (call.items.some((item) => isFor(call.outer, item.flightId))) return straight(core, call, all)
  return attempt(core, call, all, 1)
}

const attemptsBeforeStraight = 3

const attempt = (
  core: Core,
  call: Call,
  indices: ReadonlyArray<number>,
  attempts: number
): Any<ReadonlyArray<unknown>> => {
  const items = indices.map((i) => call.items[i]!)
  return Effect.flatMap(Clock.currentTimeMillis, (millis) => {
    const begun = { millis, moment: core.hardFences.now() }
    return Effect.flatMap(look(core, items, readsBelow(call)), (views) =>
      settle(core, call, indices, views, begun, attempts)
    )
  })
}

/** What a lookup reads must not be older than its own lease. */
const readsBelow = (call: Call): boolean => call.outer?.depends !== undefined

/** When a call began: for the budget of its store work, and on the clock of the hard fences. */
interface Beginning {
  readonly millis: number
  readonly moment: number
}

/** Answers what was seen where the policy lets it, and sends the rest on its way. */
const settle = (
  core: Core,
  call: Call,
  indices: ReadonlyArray<number>,
  views: ReadonlyArray<View>,
  begun: Beginning,
  attempts: number
): Any<ReadonlyArray<unknown>> =>
  Effect.gen(function* () {
    const nowMillis = yield* Clock.currentTimeMillis
    const answered: Array<Any<unknown>> = []
    const missing: Array<Leg> = []
    const refreshing: Array<Leg> = []
    for (const [position, index] of indices.entries()) {
      const item = call.items[index]!
      const view = views[position]!
      const random = item.policy.refreshAhead > 0 ? yield* Random.next : 0
      const decision = decisionFor(core, item, view, nowMillis, random)
      const leg = { position, index, item, view, fallbackUntilMillis: -Infinity, seenAt: begun.moment }
      if (decision._tag === "Lookup") {
        missing.push({ ...leg, fallbackUntilMillis: decision.fallbackUntilMillis })
        continue
      }
      answered[position] = content(view)
      core.tally.hit(item.key.prefix)
      if (decision._tag === "ServeStale") core.emitKey(item.key, { _tag: "Stale", because: "Backoff" })
      else if (decision._tag === "ServeAndRefresh" && decision.stale) {
        core.emitKey(item.key, { _tag: "Stale", because: "Revalidate" })
      } else core.emitKey(item.key, { _tag: "Hit" })
      const isFresh = decision._tag === "Serve" || (decision._tag === "ServeAndRefresh" && !decision.stale)
      call.observe?.(index, dependencies.seen(item.key.id, view, isFresh))
      if (decision._tag === "ServeAndRefresh" && keeps(core, item.policy)) refreshing.push(leg)
    }
    if (refreshing.length > 0 && call.mode === "Default") yield* refreshBehind(core, call, refreshing)
    if (missing.length > 0) {
      const again = (leg: Leg): Any<unknown> =>
        first(
          attempts < attemptsBeforeStraight
            ? attempt(core, call, [leg.index], attempts + 1)
            : straight(core, call, [leg.index])
        )
      const departed = yield* depart(core, call, missing, nowMillis - begun.millis, again)
      for (const [i, leg] of missing.entries()) answered[leg.position] = departed[i]!
    }
    return yield* Effect.all(answered)
  })

/** A call for some of the keys of another one, which are observed by their positions in that. */
const some = (call: Call, positions: ReadonlyArray<number>, observe: NonNullable<Call["observe"]>): Call => ({
  ...call,
  items: positions.map((at) => call.items[at]!),
  lookup: (indices) => call.lookup(indices.map((i) => positions[i]!)),
  observe: (index, answer) => observe(positions[index]!, answer)
})

/** Many ids: each key once, the answers for the ids as they came. */
export const many = <Id>(
  core: Core,
  context: Context.Context<never>,
  ids: ReadonlyArray<Id>,
  keyOf: (id: Id) => CacheKey<any, any, any>,
  lookup: (ids: readonly [Id, ...Array<Id>]) => Any<ReadonlyArray<unknown>>,
  policy: CachePolicy.Any | undefined,
  isOff: boolean
): Any<ReadonlyArray<unknown>> => {
  const checked = (some: ReadonlyArray<Id>) =>
    Effect.filterOrDie(
      lookup(some as readonly [Id, ...Array<Id>]),
      (values) => values.length === some.length,
      () =>
        new ConfigurationError({ where: "getMany", detail: "the lookup answered another number of values than ids" })
    )
  const alone = (cache: string) =>
    Effect.tapErrorCause(checked(ids), (cause) =>
      reportLookup(core, { cache, operation: "lookup", surfaced: true, failures: policy?.failures }, cause)
    )
  const prepared = Either.try(() =>
    ids.map((id) => itemOf(keyOf(id), policy, Context.get(context, CachePolicy.Ambient)))
  )
  if (Either.isLeft(prepared)) return Effect.zipRight(reportPolicy(core, "*", prepared.left), alone("*"))
  const all = prepared.right
  if (isOff) {
    dependOn(
      context,
      all.map(({ key }) => key)
    )
    return alone(all[0]!.key.prefix)
  }
  const outer = outerOf(context)
  const first = new Map<string, number>()
  for (const [i, item] of all.entries()) if (!first.has(item.flightId)) first.set(item.flightId, i)
  const chosen = [...first.values()]
  const position = new Map(chosen.map((i, at) => [all[i]!.flightId, at]))
  const call: Call = {
    items: chosen.map((i) => all[i]!),
    lookup: (indices) => checked(indices.map((at) => ids[chosen[at]!]!)),
    mode: Context.get(context, CacheMode.Current),
    outer,
    observe: observing(outer)
  }
  const memories = requestMemo.memoriesOf(core, context, outer)
  const answered =
    call.mode === "Refresh"
      ? Effect.flatMap(
          writeThrough(core, call.items, call.lookup(chosen.map((_, at) => at)), outer, false, call.observe),
          ({ exit }) =>
            Exit.isSuccess(exit)
              ? exit
              : Effect.zipRight(
                  reportLookup(
                    core,
                    {
                      cache: all[0]!.key.prefix,
                      operation: "refresh",
                      surfaced: true,
                      failures: all[0]!.policy.failures
                    },
                    exit.cause
                  ),
                  exit
                )
        )
      : memories === undefined
        ? answers(core, call)
        : requestMemo.through(core, memories, call.items, (positions, observe) =>
            answers(core, some(call, positions, observe))
          )
  return Effect.map(answered, (values) => all.map((item) => values[position.get(item.flightId)!]))
}
