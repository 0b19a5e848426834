/**
 * What happens in a flight: lease, look up, answer those who wait, store.
 *
 *     acquire ──Found──────────────► land
 *        │
 *     Leased / Unleased ─► lookup ─► encode ─► land ─► fill, or give the lease back
 *
 * Stamps are those of the lease, taken before the lookup begins. Nothing is stored without a lease, and the value is
 * encoded before anybody gets it, so that nobody can change what is stored.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { ConfigurationError } from "../CacheError.js"
import type { Flight } from "../SingleFlight.js"
import type * as MemoryTier from "../MemoryTier.js"
import type { FillRequest, Lease } from "../Store.js"
import type { Item } from "../StoreTier.js"
import { type Core, type Landing, now } from "./core.js"
import type { Lookup } from "./currentLookup.js"
import { reportLookup } from "./failures.js"
import { keep, keeps } from "./keeping.js"
import * as learnings from "./learning.js"
import { acquire, type Acquired, giveBack, type Journey, type Manner } from "./leases.js"
import { alarming } from "./tally.js"
import { prepareFailure, prepareValue, reportPolicy, unstorableFailure } from "./storable.js"

/** Computes the values of some of the keys, in their order. */
export type LookupOf = (indices: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<unknown>, any, any>

/** One value on its way to the store, and since when no fence may have fallen on it. */
interface Filling {
  readonly item: Item
  readonly request: FillRequest
  readonly lease: Lease
  readonly content: MemoryTier.Content | undefined
  readonly since: number
}

/** Stores what the leases allow. A lease stays in the run's hands until the store has answered. */
const fill = (core: Core, fills: ReadonlyArray<Filling>) => {
  if (fills.length === 0) return Effect.void
  // Values in memory are as old as the question: its answer may have waited.
  return Effect.flatMap(now, (nowMillis) =>
    Effect.matchEffect(core.tier.fill(fills.map(({ request }) => request)), {
      onFailure: (error) => core.storeFailed(fills[0]!.item.key.prefix, error),
      onSuccess: (outcomes) =>
        Effect.sync(() => {
          for (const [i, { content, item, lease, since }] of fills.entries()) {
            core.leases.letGo(lease)
            // Only what the store has accepted: a refusal is the news of a fence that has not been heard of here.
            if (outcomes[i] === "Stored" && content !== undefined) core.memory?.hold(item, content, since, nowMillis)
            core.emitKey(item.key, { _tag: outcomes[i]! })
          }
        })
    })
  )
}

/** The work of one run. */
export const fly =
  (
    core: Core,
    journeys: ReadonlyArray<Journey>,
    lookup: LookupOf,
    outer: Lookup | undefined,
    manner: Manner
  ): ((flights: ReadonlyArray<Flight<Landing>>) => Effect.Effect<void, never, any>) =>
  (flights) =>
    Effect.suspend(() => {
      const held: Array<Lease> = []
      core.heldBy.set(flights[0]!.run, held)
      const work = Effect.gen(function* () {
        const begunMillis = yield* now
        const acquired = yield* acquire(core, journeys, manner, held)
        const spentMillis = manner.spentMillis + (yield* now) - begunMillis
        const rest: Array<number> = []
        for (const [i, one] of acquired.entries()) {
          if (one._tag === "Found") yield* landFound(core, journeys[i]!.item, flights[i]!, one)
          // Somebody else refreshes it, and an old value was answered: nobody needs a lookup, unless somebody joined.
          else if (!(one._tag === "Busy" && manner.behind && flights[i]!.run.waiters <= 1)) rest.push(i)
        }
        if (rest.length === 0) return
        yield* lookUp(core, journeys, flights, acquired, rest, lookup, outer, { ...manner, spentMillis })
      })
      // Whatever was not filled is given back: after a failure, an interruption, a value that is not stored.
      return Effect.onExit(work, () => giveBack(core, held))
    })

const landFound = (
  core: Core,
  item: Item,
  flight: Flight<Landing>,
  { view }: Extract<Acquired, { readonly _tag: "Found" }>
): Effect.Effect<void, never, any> => {
  const { content } = view.entry!
  core.emitKey(item.key, { _tag: "Hit" })
  // What was read belongs to one caller; whoever joined gets a copy by way of its encoded form.
  const encoding = Either.isRight(content) ? Effect.option(item.codec.encode(content.right)) : Effect.succeedNone
  return Effect.flatMap(encoding, (encoded) =>
    core.flights.land(
      flight,
      {
        exit: Either.isRight(content) ? Exit.succeed(content.right) : Exit.fail(content.left),
        names: [...item.names, ...view.tags],
        encoded: Option.getOrUndefined(encoded),
        expiresAtMillis: view.entry!.expiresAtMillis,
        since: undefined,
        countedAt: view.counter
      },
      false
    )
  )
}

const neverHits = (prefix: string) =>
  new ConfigurationError({
    where: `cache "${prefix}"`,
    detail: `not one hit beside the first ${alarming} lookups: is a part of the key another one each time?`
  })

const lookUp = (
  core: Core,
  journeys: ReadonlyArray<Journey>,
  flights: ReadonlyArray<Flight<Landing>>,
  acquired: ReadonlyArray<Acquired>,
  rest: ReadonlyArray<number>,
  lookup: LookupOf,
  outer: Lookup | undefined,
  manner: Manner
): Effect.Effect<void, never, any> =>
  Effect.gen(function* () {
    const items = rest.map((i) => journeys[i]!.item)
    const learning = learnings.make(core, items, (tag) => {
      for (const i of rest) flights[i]!.names.add(tag)
    })
    const { inherited, learner, tags: learnt } = learning
    const startedMillis = yield* now
    const exit = yield* Effect.exit(learnings.within(lookup(rest), outer, items, flights[0]!.run, learner))
    yield* learning.report
    const endedMillis = yield* now
    const untilMillis = learning.untilMillis()
    const millis = Math.max(0, endedMillis - startedMillis)
    const failed = Exit.isFailure(exit)
    if (failed) {
      // Behind an answer nobody sees it, unless somebody joined.
      const seen = !manner.behind || flights[0]!.run.waiters > 1
      const surfaced = seen && rest.some((i) => journeys[i]!.fallbackUntilMillis <= endedMillis)
      const { key, policy } = items[0]!
      const operation = manner.behind ? "refresh" : "lookup"
      yield* reportLookup(core, { cache: key.prefix, operation, surfaced, failures: policy.failures }, exit.cause)
    }
    const fills: Array<Filling> = []
    const landings: Array<readonly [Flight<Landing>, Landing, stays: boolean]> = []
    for (const [position, i] of rest.entries()) {
      const { item } = journeys[i]!
      const flight = flights[i]!
      // What is kept nowhere cannot hit.
      const mayHit = keeps(core, item.policy)
      if (mayHit && core.tally.lookup(item.key.prefix))
        yield* reportPolicy(core, item, "read", neverHits(item.key.prefix))
      core.emitKey(item.key, { _tag: failed ? "LookupFailed" : "LookupSucceeded", millis })
      if (!failed) core.backoff.end(item.flightId)
      else if (!Cause.isInterruptedOnly(exit.cause)) {
        core.backoff.hold(item.flightId, endedMillis + item.policy.errorBackoffMillis)
      }
      // A failure never takes the place of a value that may still be answered.
      const standsIn = manner.behind || endedMillis < journeys[i]!.fallbackUntilMillis
      const storable = failed
        ? standsIn
          ? unstorableFailure
          : yield* prepareFailure(core, item, exit.cause, millis, untilMillis)
        : yield* prepareValue(core, item, exit.value[position], millis, untilMillis)
      for (const tag of storable.learnt) flight.names.add(tag)
      const learntTags = [...new Set([...learnt, ...storable.learnt])].filter((tag) => tag !== item.key.id)
      const one = acquired[i]!
      const { bytes, encoded, expiresAtMillis, instants, keepMillis: timeToLiveMillis } = storable
      const barred =
        !learning.isUsable() || !core.enabled || core.journal.hides(item.key.id, [...item.tags, ...learntTags])
      const lease = one._tag === "Leased" && bytes !== undefined && !barred ? one.lease : undefined
      const judged = lease && inherited.judged(lease)
      const stored = lease !== undefined && judged !== undefined
      if (stored) {
        const content =
          instants === undefined || encoded === undefined || !item.policy.writesMemory
            ? undefined
            : { ...instants, encoded, id: lease.token, tags: [...item.tags, ...learntTags] }
        const request = { lease: judged, learntTags, bytes: bytes!, timeToLiveMillis }
        fills.push({ item, request, lease, content, since: flight.startedAt })
      } else if (!failed) {
        const begun = { since: flight.startedAt, millis: startedMillis }
        // What was read may be older than what this instance has heard: memory cannot be asked since when.
        const mayKeep = manner.stores && !barred && inherited.since() === undefined
        const kept = () => (mayKeep ? keep(core, item, storable, learntTags, begun) : "Uncacheable")
        core.emitKey(item.key, { _tag: lease === undefined ? kept() : "Refused" })
      }
      const landed = failed ? exit : Exit.succeed(exit.value[position])
      // While it is on its way to the store, calls of this process find it here; a failure is nobody else's.
      const countedAt = one._tag === "Leased" ? one.lease.counter : undefined
      const names = flight.names
      const landing = { exit: landed, names, encoded, expiresAtMillis, since: inherited.since(), countedAt }
      landings.push([flight, landing, stored && !failed])
    }
    const land = Effect.forEach(landings, (one) => core.flights.land(...one), { discard: true })
    const store = fill(core, fills)
    // A cache that closes waits for what was answered to be stored: else a short program would never store anything.
    if (!items[0]!.policy.awaitWrite) return yield* Effect.uninterruptible(Effect.zipRight(land, store))
    const writing = yield* Effect.fork(store)
    yield* Effect.timeoutOption(Fiber.await(writing), core.limits.budgetMillis - manner.spentMillis)
    yield* land
    yield* Fiber.join(writing)
  })
