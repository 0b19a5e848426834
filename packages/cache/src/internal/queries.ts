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
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { ConfigurationError } from "../CacheError.js"
import type { CacheKey } from "../CacheKey.js"
import * as CacheMode from "../CacheMode.js"
import * as CachePolicy from "../CachePolicy.js"
import type { View } from "../StoreTier.js"
import type { Core } from "./core.js"
import { CurrentLookup, isFor } from "./currentLookup.js"
import { type Call, depart, type Leg, refreshBehind, straight } from "./departures.js"
import { writeThrough } from "./fencing.js"
import { itemOf } from "./item.js"
import { reportLookup } from "./lookups.js"
import { content, decisionFor, look, nowOf } from "./reading.js"

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
    return Effect.flatMap(look(core, call.items), (views) => {
      const view = views[0]!
      const ahead = item.policy.refreshAhead > 0
      if (!ahead && decisionFor(core, item, view, nowOf(fiber), 0)._tag === "Serve") {
        core.emitKey(item.key, { _tag: "Hit" })
        return content(view)
      }
      return first(settle(core, call, [0], views, begun, 1))
    })
  })
}

const first = (values: Any<ReadonlyArray<unknown>>): Any<unknown> => Effect.map(values, ([value]) => value)

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
    return Effect.flatMap(look(core, items), (views) => settle(core, call, indices, views, begun, attempts))
  })
}

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
      if (decision._tag === "ServeStale") core.emitKey(item.key, { _tag: "Stale", because: "Backoff" })
      else if (decision._tag === "ServeAndRefresh" && decision.stale) {
        core.emitKey(item.key, { _tag: "Stale", because: "Revalidate" })
      } else core.emitKey(item.key, { _tag: "Hit" })
      if (decision._tag === "ServeAndRefresh") refreshing.push(leg)
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
      core.report({ kind: "Lookup", cache, operation: "lookup", surfaced: true, cause })
    )
  const prepared = Either.try(() =>
    ids.map((id) => itemOf(keyOf(id), policy, Context.get(context, CachePolicy.Ambient)))
  )
  if (Either.isLeft(prepared)) return Effect.zipRight(reportPolicy(core, "*", prepared.left), alone("*"))
  const all = prepared.right
  if (isOff) return alone(all[0]!.key.prefix)
  const first = new Map<string, number>()
  for (const [i, item] of all.entries()) if (!first.has(item.flightId)) first.set(item.flightId, i)
  const chosen = [...first.values()]
  const position = new Map(chosen.map((i, at) => [all[i]!.flightId, at]))
  const call: Call = {
    items: chosen.map((i) => all[i]!),
    lookup: (indices) => checked(indices.map((at) => ids[chosen[at]!]!)),
    mode: Context.get(context, CacheMode.Current),
    outer: Option.getOrUndefined(Context.getOption(context, CurrentLookup))
  }
  const answered =
    call.mode === "Refresh"
      ? Effect.flatMap(
          writeThrough(core, call.items, call.lookup(chosen.map((_, at) => at)), call.outer, false),
          ({ exit }) =>
            Exit.isSuccess(exit)
              ? exit
              : Effect.zipRight(reportLookup(core, call.items[0]!, "refresh", true, exit.cause), exit)
        )
      : answers(core, call)
  return Effect.map(answered, (values) => all.map((item) => values[position.get(item.flightId)!]))
}
<<<<<<< HEAD
=======

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
): Any<ReadonlyArray<unknown>> =>
  Effect.gen(function* () {
    const begunMillis = yield* now
    const views = yield* look(
      core,
      indices.map((i) => call.items[i]!)
    )
    const answered: Array<Any<unknown> | undefined> = []
    const missing: Array<Leg> = []
    const refreshing: Array<Leg> = []
    for (const [position, index] of indices.entries()) {
      const item = call.items[index]!
      const view = views[position]!
      const decision = yield* decisionFor(core, item, view)
      const leg = { position, index, item, view, fallbackUntilMillis: -Infinity }
      if (decision._tag === "Lookup") {
        missing.push({ ...leg, fallbackUntilMillis: decision.fallbackUntilMillis })
        continue
      }
      answered[position] = content(view)
      if (decision._tag === "ServeStale") core.emitKey(item.key, { _tag: "Stale", because: "Backoff" })
      else if (decision._tag === "ServeAndRefresh" && decision.stale) {
        core.emitKey(item.key, { _tag: "Stale", because: "Revalidate" })
      } else core.emitKey(item.key, { _tag: "Hit" })
      if (decision._tag === "ServeAndRefresh") refreshing.push(leg)
    }
    if (refreshing.length > 0 && call.mode === "Default") yield* refreshBehind(core, call, refreshing)
    if (missing.length > 0) {
      const departed = yield* depart(core, call, missing, attempts, (yield* now) - begunMillis)
      for (const [i, leg] of missing.entries()) answered[leg.position] = departed[i]!
    }
    return indices.length === 1 ? [yield* answered[0]!] : yield* Effect.all(answered as Array<Any<unknown>>)
  })

/** One key on its way to an answer. `position` is that in this attempt, `index` that in the call. */
interface Leg extends Journey {
  readonly position: number
  readonly index: number
}

const joinable = (core: Core, item: Item): Flight<Landing> | undefined => {
  const flight = core.flights.find(item.flightId)
  if (flight === undefined) return undefined
  const { fences } = core
  return fences.fellSince(flight.startedAt, flight.names) || fences.fellSince(flight.startedAt, item.names)
    ? undefined
    : flight
}

const isFull = (core: Core, more: number) => core.flights.size() + more > core.limits.maximumFlights

/** Must run where interruption is masked. */
const launch = (core: Core, call: Call, legs: ReadonlyArray<Leg>, behind: boolean, spentMillis: number) => {
  const startedAt = core.fences.now()
  const lookup: LookupOf = (chosen) => call.lookup(chosen.map((i) => legs[i]!.index))
  return Effect.tap(
    core.flights.launch(
      legs.map(({ item }) => ({ id: item.flightId, startedAt, names: item.names })),
      { stays: behind, boarding: behind ? 0 : legs.length },
      fly(core, legs, lookup, call.outer, { behind, stores: call.mode !== "ReadOnly", spentMillis })
    ),
    ([flight]) => {
      const { waitUntil } = core
      if (waitUntil === undefined) return Effect.void
      const tell = () => waitUntil(new Promise((done) => flight!.run.fiber!.addObserver(() => done())))
      return Effect.catchAll(Effect.try(tell), ({ error }) =>
        core.report({
          kind: "Policy",
          cache: legs[0]!.item.key.prefix,
          operation: "waitUntil",
          surfaced: false,
          cause: Cause.die(error)
        })
      )
    }
  )
}

const refreshBehind = (core: Core, call: Call, legs: ReadonlyArray<Leg>): Effect.Effect<void, never, any> =>
  Effect.uninterruptible(
    Effect.suspend(() => {
      const idle = legs.filter(({ item }) => joinable(core, item) === undefined)
      if (idle.length === 0 || isFull(core, idle.length)) return Effect.void
      for (const { item } of idle) core.emitKey(item.key, { _tag: "Refresh" })
      return Effect.asVoid(launch(core, call, idle, true, 0))
    })
  )

/**
 * Joins the flights that may be joined and launches one run for all other keys. Answers an effect for each leg: what
 * came of it, so that a batch can go on where one key has an old value to fall back on.
 */
const depart = (
  core: Core,
  call: Call,
  legs: ReadonlyArray<Leg>,
  attempts: number,
  spentMillis: number
): Effect.Effect<ReadonlyArray<Any<unknown>>, never, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      const boarded = legs.map((leg) => {
        const flight = joinable(core, leg.item)
        // Two lookups that wait for each other would wait for ever: the second one looks up by itself.
        const circular = flight !== undefined && call.outer !== undefined && waitsForAny(flight.run, runsOf(call.outer))
        return { leg, flight, circular, own: false }
      })
      const idle = boarded.filter(({ flight }) => flight === undefined)
      const full = isFull(core, idle.length)
      const alone = boarded.filter(({ flight, circular }) => circular || (flight === undefined && full))
      for (const { flight, circular, leg } of boarded) {
        if (flight === undefined || circular) core.emitKey(leg.item.key, { _tag: "Miss" })
        else {
          core.emitKey(leg.item.key, { _tag: "Joined" })
          core.flights.board(flight)
        }
      }
      const launching =
        idle.length === 0 || full
          ? Effect.succeed([])
          : launch(
              core,
              call,
              idle.map(({ leg }) => leg),
              false,
              spentMillis
            )
      return Effect.flatMap(launching, (launched) => {
        const byLeg = new Map<Leg, { readonly flight: Flight<Landing>; readonly own: boolean }>()
        for (const [i, { leg }] of idle.entries()) if (launched[i]) byLeg.set(leg, { flight: launched[i], own: true })
        for (const { leg, flight, circular } of boarded) {
          if (flight !== undefined && !circular) byLeg.set(leg, { flight, own: false })
        }
        const passages = legs.flatMap((leg) => {
          const passage = byLeg.get(leg)
          return passage === undefined ? [] : [{ leg, ...passage }]
        })
        return Effect.flatMap(waitFor(core, call, passages, restore), (waited) =>
          Effect.flatMap(
            Effect.forEach(passages, (passage, i) => arrive(core, call, passage, waited[i]!, attempts)),
            (arrived) => {
              const outcomes = new Map(passages.map(({ leg }, i) => [leg, arrived[i]!]))
              const some = legs.map((leg) => outcomes.get(leg))
              return alone.length === 0 ? Effect.succeed(arrived) : lookUpAlone(core, call, legs, some, restore)
            }
          )
        )
      })
    })
  )

/** A key's seat in a flight; `own` for the caller that launched it. */
interface Passage {
  readonly leg: Leg
  readonly flight: Flight<Landing>
  readonly own: boolean
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Looks up, without sharing or storing, what no flight brought. */
const lookUpAlone = (
  core: Core,
  call: Call,
  legs: ReadonlyArray<Leg>,
  some: ReadonlyArray<Any<unknown> | undefined>,
  restore: Restore
) => {
  const rest = legs.filter((_, i) => some[i] === undefined)
  const lookup = straight(
    core,
    call,
    rest.map(({ index }) => index)
  )
  return Effect.map(Effect.exit(restore(lookup)), (exit) => {
    let next = 0
    return some.map((one) => {
      if (one !== undefined) return one
      const position = next++
      return Exit.isSuccess(exit) ? Effect.succeed(exit.value[position]) : Effect.failCause(exit.cause)
    })
  })
}

/** Waits for the flights; `None` where a caller with an old value has waited long enough. */
const waitFor = (
  core: Core,
  call: Call,
  passages: ReadonlyArray<Passage>,
  restore: Restore
): Effect.Effect<ReadonlyArray<Option.Option<Landing | undefined>>> => {
  const one = ({ flight, leg }: Passage): Effect.Effect<Option.Option<Landing | undefined>> => {
    const landing = Deferred.await(flight.landing)
    const soft = leg.item.policy.softTimeoutMillis
    return soft === Infinity || leg.fallbackUntilMillis === -Infinity
      ? Effect.asSome(landing)
      : Effect.tap(Effect.timeoutOption(Effect.interruptible(landing), soft), (inTime) =>
          Effect.sync(() => Option.isNone(inTime) && core.flights.stay(flight))
        )
  }
  const flights = passages.map(({ flight }) => flight)
  const all = Effect.forEach(passages, one, { concurrency: passages.length === 1 ? 1 : "unbounded" })
  const waited = core.flights.wait(flights, restore(all))
  const waiting = call.outer?.run
  if (waiting === undefined) return waited
  for (const { run } of flights) waiting.waitsFor.add(run)
  return Effect.ensuring(
    waited,
    Effect.sync(() => flights.forEach(({ run }) => waiting.waitsFor.delete(run)))
  )
}

/** Says what came of a flight for this caller. */
const arrive = (
  core: Core,
  call: Call,
  { flight, leg, own }: Passage,
  waited: Option.Option<Landing | undefined>,
  attempts: number
): Effect.Effect<Any<unknown>> => {
  if (Option.isNone(waited)) {
    core.emitKey(leg.item.key, { _tag: "Stale", because: "SoftTimeout" })
    return Effect.succeed(content(leg.view))
  }
  const landing = waited.value
  const only = (effect: Any<ReadonlyArray<unknown>>): Any<unknown> => Effect.map(effect, ([value]) => value)
  // The cache is closing; its callers are not.
  if (landing === undefined) return Effect.succeed(only(straight(core, call, [leg.index])))
  // The flight began before a fence that touches what it learnt, and this call may have begun after it.
  if (!own && core.fences.fellSince(flight.startedAt, landing.names)) {
    const again =
      attempts < attemptsBeforeStraight
        ? attempt(core, call, [leg.index], attempts + 1)
        : straight(core, call, [leg.index])
    return Effect.succeed(only(again))
  }
  if (Exit.isSuccess(landing.exit)) {
    return Effect.succeed(own ? landing.exit : copyOf(leg.item, landing, landing.exit.value))
  }
  return Effect.map(fallback(core, leg, landing.exit.cause), (stale) => stale ?? landing.exit)
}

/** Who joins gets a copy of its own, so that nobody sees what another one does to a value. */
const copyOf = (item: Item, { encoded }: Landing, value: unknown): Any<unknown> =>
  typeof value !== "object" || value === null || encoded === undefined
    ? Effect.succeed(value)
    : Effect.orElseSucceed(item.codec.decode(encoded), () => value)

/** The old value, if the policy lets it stand in for this failure. An interruption is no failure. */
const fallback = (core: Core, leg: Leg, cause: Cause.Cause<unknown>): Effect.Effect<Any<unknown> | undefined> =>
  Effect.map(now, (nowMillis) => {
    if (nowMillis >= leg.fallbackUntilMillis || Cause.isInterruptedOnly(cause)) return undefined
    core.emitKey(leg.item.key, { _tag: "Stale", because: "Error" })
    return content(leg.view)
  })
>>>>>>> tests-a
