/**
 * From a miss to an answer: join the flight that is under way, or launch one, and wait for it.
 *
 * A call joins a flight only if nothing that the flight depends on was fenced since it began; what the flight learns
 * later counts too, so a landing is looked at once more before it is believed.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as CacheMode from "../CacheMode.js"
import type { Flight, Run } from "../SingleFlight.js"
import { countWait, waitsForAny } from "../SingleFlight.js"
import type { Item } from "../StoreTier.js"
import { type Core, type Landing, now } from "./core.js"
import { type Learner, type Lookup, runOf, runsOf } from "./currentLookup.js"
import { giveBack, type Journey } from "./leases.js"
import { type Dependency, older, seen } from "./dependencies.js"
import { within } from "./learning.js"
import { reportLookup } from "./failures.js"
import { fly, type LookupOf } from "./lookups.js"
import { observed } from "./inheriting.js"
import { content } from "./reading.js"

type Any<A> = Effect.Effect<A, any, any>

/** One call: what is asked for, and by whom. */
export interface Call {
  readonly items: ReadonlyArray<Item>
  readonly lookup: LookupOf
  readonly mode: CacheMode.CacheMode
  readonly outer: Lookup | undefined
  /** Told of every answer, with the position of its key in the call. */
  readonly observe: ((index: number, answer: Dependency) => void) | undefined
}

/** Nothing will be stored: nobody asks for tags. */
const nobody: Learner = { learn: () => {}, refuse: () => {}, depends: undefined }

/** The lookup alone, for some of the keys, its failure reported. */
export const straight = (core: Core, call: Call, indices: ReadonlyArray<number>): Any<ReadonlyArray<unknown>> => {
  const items = indices.map((i) => call.items[i]!)
  const { key, policy } = items[0]!
  const about = { cache: key.prefix, operation: "lookup", surfaced: true, failures: policy.failures }
  const alone = (learner: Learner) =>
    Effect.tapErrorCause(within(call.lookup(indices), call.outer, items, undefined, learner), (cause) =>
      reportLookup(core, about, cause)
    )
  const { observe, outer = nobody } = call
  return observe === undefined
    ? alone(outer)
    : observed(core, items, outer, alone, (position, answer) => observe(indices[position]!, answer))
}

/** One key on its way to an answer. `position` is that in this attempt, `index` that in the call. */
export interface Leg extends Journey {
  readonly position: number
  readonly index: number
  /** When it was seen, on the clock of the hard fences. */
  readonly seenAt: number
}

/** When each run began, by the clock. */
const begun = new WeakMap<Run, number>()

/** A flight may be long: one that nobody could have forbidden here, since nothing is heard, is not joined for ever. */
const joinable = (core: Core, item: Item, nowMillis: number): Flight<Landing> | undefined => {
  const flight = core.flights.find(item.flightId)
  if (flight === undefined || !core.isHeardSince(begun.get(flight.run) ?? -Infinity, nowMillis)) return undefined
  const { fences } = core
  return fences.fellSince(flight.startedAt, flight.names) || fences.fellSince(flight.startedAt, item.names)
    ? undefined
    : flight
}

const room = (core: Core) => core.limits.maximumFlights - core.flights.size()

/** Must run where interruption is masked. */
const launch = (
  core: Core,
  call: Call,
  legs: ReadonlyArray<Leg>,
  behind: boolean,
  spentMillis: number,
  nowMillis: number
) => {
  const startedAt = core.fences.now()
  // The store may not know that a fence made the lease of a flight void: the tag is learnt. Nobody need wait for it.
  const replaced = legs.flatMap(({ item }) => {
    const flight = core.flights.find(item.flightId)
    return flight === undefined ? [] : (core.heldBy.get(flight.run) ?? [])
  })
  const lookup: LookupOf = (chosen) => call.lookup(chosen.map((i) => legs[i]!.index))
  const launching = Effect.tap(
    core.flights.launch(
      legs.map(({ item }) => ({ id: item.flightId, startedAt, names: item.names })),
      { stays: behind, boarding: behind ? 0 : legs.length },
      fly(core, legs, lookup, call.outer, { behind, stores: call.mode !== "ReadOnly", spentMillis })
    ),
    ([flight]) => {
      begun.set(flight!.run, nowMillis)
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
  return replaced.length === 0 ? launching : Effect.zipRight(Effect.forkDaemon(giveBack(core, replaced)), launching)
}

export const refreshBehind = (core: Core, call: Call, legs: ReadonlyArray<Leg>): Effect.Effect<void, never, any> =>
  Effect.uninterruptible(
    Effect.flatMap(now, (nowMillis) => {
      const idle = legs.filter(({ item }) => joinable(core, item, nowMillis) === undefined)
      if (idle.length === 0 || room(core) < idle.length) return Effect.void
      for (const { item } of idle) core.emitKey(item.key, { _tag: "Refresh" })
      return Effect.asVoid(launch(core, call, idle, true, 0, nowMillis))
    })
  )

/**
 * Joins the flights that may be joined and launches one run for all other keys. Answers an effect for each leg: what
 * came of it, so that a batch can go on where one key has an old value to fall back on.
 */
export const depart = (
  core: Core,
  call: Call,
  legs: ReadonlyArray<Leg>,
  spentMillis: number,
  again: (leg: Leg) => Any<unknown>
): Effect.Effect<ReadonlyArray<Any<unknown>>, never, any> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(now, (nowMillis) => {
      const found = legs.map(({ item }) => ticket(core, call, item, nowMillis))
      const idle = legs.filter((_, i) => found[i] === "Idle").slice(0, Math.max(0, room(core)))
      for (const [i, { item }] of legs.entries()) {
        const flight = found[i]!
        core.emitKey(item.key, { _tag: typeof flight === "string" ? "Miss" : "Joined" })
        if (typeof flight !== "string") core.flights.board(flight)
      }
      const launching = idle.length === 0 ? Effect.succeed([]) : launch(core, call, idle, false, spentMillis, nowMillis)
      return Effect.flatMap(launching, (launched) => {
        const mine = new Map(idle.map((leg, i) => [leg, launched[i]!]))
        const seats = legs.map((leg, i): Passage | undefined => {
          const flight = found[i]!
          if (typeof flight !== "string") return { leg, flight, own: false }
          const own = mine.get(leg)
          return own && { leg, flight: own, own: true }
        })
        const passages = seats.filter((seat) => seat !== undefined)
        const arriving = Effect.flatMap(waitFor(core, call, passages, restore), (waited) =>
          Effect.forEach(passages, (passage, i) => arrive(core, call, passage, waited[i]!, again))
        )
        return Effect.flatMap(arriving, (arrived) => {
          if (passages.length === legs.length) return Effect.succeed(arrived)
          let next = 0
          const some = seats.map((seat) => seat && arrived[next++])
          return lookUpAlone(core, call, legs, some, restore)
        })
      })
    })
  )

/**
 * The flight that a call joins for a key. `Idle`: none, it may launch one. `Circle`: two lookups that wait for each
 * other would wait for ever, so this one looks up by itself.
 */
const ticket = (core: Core, call: Call, item: Item, nowMillis: number): Flight<Landing> | "Idle" | "Circle" => {
  const flight = joinable(core, item, nowMillis)
  if (flight === undefined) return "Idle"
  return call.outer !== undefined && waitsForAny(flight.run, runsOf(call.outer)) ? "Circle" : flight
}

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
    if (soft === Infinity || leg.fallbackUntilMillis === -Infinity) return Effect.asSome(landing)
    return Effect.flatMap(Effect.timeoutOption(Effect.interruptible(landing), soft), (inTime) => {
      if (Option.isSome(inTime)) return Effect.succeed(inTime)
      return Effect.flatMap(mayStandIn(core, leg), (may) => {
        if (!may) return Effect.asSome(landing)
        core.flights.stay(flight)
        return Effect.succeedNone
      })
    })
  }
  const flights = passages.map(({ flight }) => flight)
  const all = Effect.forEach(passages, one, { concurrency: passages.length === 1 ? 1 : "unbounded" })
  const waited = core.flights.wait(flights, restore(all))
  const waiting = runOf(call.outer)
  if (waiting === undefined) return waited
  for (const { run } of flights) countWait(waiting, run, 1)
  return Effect.ensuring(
    waited,
    Effect.sync(() => flights.forEach(({ run }) => countWait(waiting, run, -1)))
  )
}

/** Says what came of a flight for this caller. */
const arrive = (
  core: Core,
  call: Call,
  { flight, leg, own }: Passage,
  waited: Option.Option<Landing | undefined>,
  again: (leg: Leg) => Any<unknown>
): Effect.Effect<Any<unknown>> => {
  if (Option.isNone(waited)) {
    core.emitKey(leg.item.key, { _tag: "Stale", because: "SoftTimeout" })
    call.observe?.(leg.index, seen(leg.item.key.id, leg.view, false))
    return Effect.succeed(content(leg.view))
  }
  const landing = waited.value
  // It came to nothing: the cache is closing, or somebody else refreshes the key.
  if (landing === undefined) return Effect.succeed(again(leg))
  // The flight began before a fence that touches what it learnt, and this call may have begun after it.
  if (!own && core.fences.fellSince(flight.startedAt, landing.names)) {
    return Effect.succeed(again(leg))
  }
  const tell = () =>
    call.observe?.(leg.index, {
      names: landing.names,
      expiresAtMillis: landing.expiresAtMillis,
      since: own ? landing.since : older(landing.since, landing.countedAt ?? "Unknown"),
      encoded: landing.encoded
    })
  if (Exit.isSuccess(landing.exit)) {
    tell()
    return Effect.succeed(own ? landing.exit : copyOf(leg.item, landing, landing.exit.value))
  }
  return Effect.map(fallback(core, leg, landing.exit.cause), (stale) => {
    if (stale === undefined) tell()
    else call.observe?.(leg.index, seen(leg.item.key.id, leg.view, false))
    return stale ?? landing.exit
  })
}

/** Who joins gets a copy of its own, so that nobody sees what another one does to a value. */
const copyOf = (item: Item, { encoded }: Landing, value: unknown): Any<unknown> =>
  typeof value !== "object" || value === null || encoded === undefined
    ? Effect.succeed(value)
    : Effect.orElseSucceed(item.codec.decode(encoded), () => value)

/** Whether the old value may be answered now: the policy allows it, and nothing has forbidden it since it was seen. */
const mayStandIn = (core: Core, leg: Leg): Effect.Effect<boolean> =>
  Effect.map(
    now,
    (nowMillis) =>
      nowMillis < leg.fallbackUntilMillis && !core.hardFences.fellSince(leg.seenAt, [leg.item.key.id, ...leg.view.tags])
  )

/** The old value in the place of a failure. An interruption is no failure. */
const fallback = (core: Core, leg: Leg, cause: Cause.Cause<unknown>): Effect.Effect<Any<unknown> | undefined> =>
  Cause.isInterruptedOnly(cause)
    ? Effect.succeed(undefined)
    : Effect.map(mayStandIn(core, leg), (may) => {
        if (!may) return undefined
        core.emitKey(leg.item.key, { _tag: "Stale", because: "Error" })
        return content(leg.view)
      })
