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
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { CodecError } from "../CacheError.js"
import { ConfigurationError } from "../CacheError.js"
import * as Codec from "../Codec.js"
import type { Flight, Run } from "../SingleFlight.js"
import type { FillRequest, Lease } from "../Store.js"
import type { Item, View, Wish } from "../StoreTier.js"
import { type Core, type Landing, now } from "./core.js"
import { CurrentLookup, type Lookup } from "./currentLookup.js"
import { decide } from "./decide.js"

/** One key of a flight. */
export interface Journey {
  readonly item: Item
  /** What the caller read and refused. */
  readonly view: View
  /** Until when that may answer for a failed lookup. */
  readonly fallbackUntilMillis: number
}

/** Computes the values of some of the keys, in their order. */
export type LookupOf = (indices: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<unknown>, any, any>

export interface Manner {
  /** Nobody waits: an answer was given already. */
  readonly behind: boolean
  /** Whether values may be stored at all. */
  readonly stores: boolean
  /** How much of the budget for the store the caller has used up by reading. */
  readonly spentMillis: number
}

type Acquired =
  | { readonly _tag: "Leased"; readonly lease: Lease }
  | { readonly _tag: "Unleased" }
  | { readonly _tag: "Found"; readonly view: View }
  | { readonly _tag: "Busy" }

const unleased: Acquired = { _tag: "Unleased" }
const busy: Acquired = { _tag: "Busy" }

/** Whether what somebody else stored meanwhile spares the lookup. */
const settles = (core: Core, item: Item, view: View) =>
  Effect.map(now, (nowMillis) => {
    if (view.entry === undefined || core.journal.hides(item.key.id, view.tags)) return false
    const decision = decide(item.policy, {
      entry: view.entry,
      expired: view.expired,
      nowMillis,
      backoffUntilMillis: -Infinity,
      random: 0
    })
    return decision._tag === "Serve"
  })

const askedTooOften = 3

/** Asks for leases until each is granted, answered, or known to be another's. */
const ask = (
  core: Core,
  wishes: ReadonlyArray<Wish>,
  limitMillis: number,
  attempt = 1
): Effect.Effect<ReadonlyArray<Acquired>, never, any> =>
  Effect.matchEffect(core.tier.lease(wishes, limitMillis), {
    onFailure: (error) =>
      Effect.as(
        core.storeFailed(wishes[0]!.item.key.prefix, error),
        wishes.map(() => unleased)
      ),
    onSuccess: (answers) =>
      Effect.forEach(answers, (answer, i): Effect.Effect<Acquired, never, any> => {
        if (answer._tag === "Granted") {
          core.leases.add(answer.lease)
          return Effect.succeed({ _tag: "Leased", lease: answer.lease })
        }
        if (answer._tag === "Busy") return Effect.succeed(busy)
        const { item } = wishes[i]!
        return Effect.flatMap(settles(core, item, answer.view), (settled) => {
          if (settled) return Effect.succeed<Acquired>({ _tag: "Found", view: answer.view })
          const seen = attempt < askedTooOften ? answer.view.id : "*"
          return Effect.map(ask(core, [{ item, seen }], limitMillis, attempt + 1), ([one]) => one!)
        })
      })
  })

/** A single busy key is asked for again until the wait is over: its holder may finish, or be gone. */
const acquire = (
  core: Core,
  journeys: ReadonlyArray<Journey>,
  manner: Manner
): Effect.Effect<ReadonlyArray<Acquired>, never, any> =>
  Effect.gen(function* () {
    const barred = journeys.map(
      ({ item }) => !manner.stores || !core.enabled || core.journal.hides(item.key.id, item.tags)
    )
    const wishes = journeys.filter((_, i) => !barred[i]).map(({ item, view }) => ({ item, seen: view.id }))
    if (wishes.length === 0) return journeys.map(() => unleased)
    const { leaseWaitMillis } = core.limits
    const budgetMillis = core.limits.budgetMillis - manner.spentMillis
    if (budgetMillis <= 0) return journeys.map(() => unleased)
    let answers = yield* ask(core, wishes, budgetMillis)
    if (answers.length === 1 && !manner.behind) {
      const until = (yield* now) + leaseWaitMillis
      for (let pause = 5; answers[0]!._tag === "Busy" && (yield* now) < until; pause = Math.min(100, pause * 2)) {
        yield* Effect.sleep(pause)
        answers = yield* ask(core, wishes, budgetMillis)
      }
    }
    let next = 0
    return barred.map((isBarred) => (isBarred ? unleased : answers[next++]!))
  })

/** What a value is to be stored as, or why not. */
interface Storable {
  readonly bytes: Uint8Array | undefined
  readonly encoded: string | undefined
  readonly keepMillis: number
  readonly learnt: ReadonlyArray<string>
}

const unstorable: Storable = { bytes: undefined, encoded: undefined, keepMillis: 0, learnt: [] }

const reportPolicy = (core: Core, item: Item, operation: string, error: unknown) =>
  core.report({
    kind: "Policy",
    cache: item.key.prefix,
    operation,
    surfaced: false,
    cause: error instanceof ConfigurationError ? Cause.fail(error) : Cause.die(error)
  })

const reportCodec = (core: Core, item: Item, operation: string, error: CodecError) =>
  core.report({ kind: "Codec", cache: item.key.prefix, operation, surfaced: false, cause: Cause.fail(error) })

/** Turns a value into what is stored. Mistakes of the policy or the schema are reported; the value is just not stored. */
export const prepareValue = (
  core: Core,
  item: Item,
  value: unknown,
  lookupMillis: number
): Effect.Effect<Storable, never, any> =>
  Effect.gen(function* () {
    const { policy, codec } = item
    const questions = yield* Effect.either(
      Effect.try({
        try: () => ({
          cacheable: policy.cacheable(value),
          timeToLive: policy.timeToLiveMillis(value),
          learnt: policy.tagsOf?.(value) ?? []
        }),
        catch: (error) => error
      })
    )
    if (Either.isLeft(questions)) {
      yield* reportPolicy(core, item, "store", questions.left)
      return unstorable
    }
    const { cacheable, learnt, timeToLive } = questions.right
    const random = policy.jitter > 0 ? yield* Random.next : 0
    const freshMillis = Math.ceil(timeToLive * (1 - policy.jitter * random))
    const encoded = yield* Effect.either(codec.encode(value))
    if (Either.isLeft(encoded)) {
      yield* reportCodec(core, item, "encode", encoded.left)
      return { ...unstorable, learnt }
    }
    if (!cacheable || freshMillis <= 0) return { ...unstorable, encoded: encoded.right, learnt }
    const createdAtMillis = yield* now
    const instants = { createdAtMillis, expiresAtMillis: createdAtMillis + freshMillis, lookupMillis }
    const keepMillis = freshMillis + Math.max(policy.staleWhileRevalidateMillis, policy.staleIfErrorMillis)
    const bytes = Codec.seal("Value", codec.shape, instants, encoded.right)
    return { bytes, encoded: encoded.right, keepMillis, learnt }
  })

const prepareFailure = (core: Core, item: Item, cause: Cause.Cause<unknown>, lookupMillis: number) =>
  Effect.gen(function* () {
    const { failures } = item.policy
    const error = Cause.failureOption(cause)
    if (failures === undefined || item.failureCodec === undefined || Option.isNone(error)) return unstorable
    if (Cause.isDie(cause) || Cause.isInterrupted(cause) || !Schema.is(failures.schema)(error.value)) return unstorable
    const cacheable = yield* Effect.either(Effect.try({ try: () => failures.cacheable(error.value), catch: (e) => e }))
    if (Either.isLeft(cacheable)) yield* reportPolicy(core, item, "store", cacheable.left)
    if (Either.isLeft(cacheable) || !cacheable.right || failures.timeToLiveMillis <= 0) return unstorable
    const encoded = yield* Effect.either(item.failureCodec.encode(error.value))
    if (Either.isLeft(encoded)) {
      yield* reportCodec(core, item, "encode", encoded.left)
      return unstorable
    }
    const createdAtMillis = yield* now
    const instants = { createdAtMillis, expiresAtMillis: createdAtMillis + failures.timeToLiveMillis, lookupMillis }
    const bytes = Codec.seal("Failure", item.failureCodec.shape, instants, encoded.right)
    return { bytes, encoded: undefined, keepMillis: failures.timeToLiveMillis, learnt: [] }
  })

const giveBack = (core: Core, leases: ReadonlyArray<Lease>): Effect.Effect<void> => {
  const mine = leases.filter((lease) => core.leases.delete(lease))
  if (mine.length === 0) return Effect.void
  return Effect.catchAll(core.tier.release(mine), (error) => core.storeFailed("*", error))
}

const fill = (core: Core, fills: ReadonlyArray<{ readonly item: Item; readonly request: FillRequest }>) => {
  if (fills.length === 0) return Effect.void
  for (const { request } of fills) core.leases.delete(request.lease)
  return Effect.matchEffect(core.tier.fill(fills.map(({ request }) => request)), {
    onFailure: (error) => core.storeFailed(fills[0]!.item.key.prefix, error),
    onSuccess: (outcomes) =>
      Effect.sync(() => fills.forEach(({ item }, i) => core.emitKey(item.key, { _tag: outcomes[i] ?? "Refused" })))
  })
}

/** Runs a lookup as the current one, so that it can learn tags and recognise itself. */
export const within = <A, E, R>(
  lookup: Effect.Effect<A, E, R>,
  outer: Lookup | undefined,
  items: ReadonlyArray<Item>,
  run: Run | undefined,
  learn: (tags: ReadonlyArray<string>) => void
): Effect.Effect<A, E, R> =>
  Effect.provideService(lookup, CurrentLookup, {
    learn,
    run,
    flightIds: new Set(items.map((item) => item.flightId)),
    outer
  }) as Effect.Effect<A, E, R>

/** Reports a failed lookup, once for all who wait for it. */
export const reportLookup = (
  core: Core,
  item: Item,
  operation: string,
  surfaced: boolean,
  cause: Cause.Cause<unknown>
) => core.report({ kind: "Lookup", cache: item.key.prefix, operation, surfaced, cause })

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
    Effect.gen(function* () {
      const begunMillis = yield* now
      const acquired = yield* acquire(core, journeys, manner)
      const spentMillis = manner.spentMillis + (yield* now) - begunMillis
      const leases = acquired.flatMap((one) => (one._tag === "Leased" ? [one.lease] : []))
      const rest: Array<number> = []
      for (const [i, one] of acquired.entries()) {
        const { item } = journeys[i]!
        if (one._tag === "Found") {
          core.emitKey(item.key, { _tag: "Hit" })
          const { content } = one.view.entry!
          const exit = Either.isRight(content) ? Exit.succeed(content.right) : Exit.fail(content.left)
          // What was read belongs to one caller; whoever joined gets a copy by way of its encoded form.
          const encoded = Either.isRight(content)
            ? yield* Effect.option(item.codec.encode(content.right))
            : Option.none()
          const landing = {
            exit,
            names: [...item.names, ...one.view.tags],
            encoded: Option.getOrUndefined(encoded)
          }
          yield* core.flights.land(flights[i]!, landing, false)
        } else if (!(one._tag === "Busy" && manner.behind)) {
          rest.push(i)
        }
      }
      if (rest.length > 0) {
        yield* Effect.onExit(
          lookUp(core, journeys, flights, acquired, rest, lookup, outer, { ...manner, spentMillis }),
          () =>
            // Whatever was not filled is given back: after a failure, an interruption, a value that is not stored.
            giveBack(core, leases)
        )
      }
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
    const learnt = new Set<string>()
    const learn = (tags: ReadonlyArray<string>) => {
      for (const tag of tags) {
        learnt.add(tag)
        for (const i of rest) flights[i]!.names.add(tag)
      }
    }
    const startedMillis = yield* now
    const exit = yield* Effect.exit(within(lookup(rest), outer, items, flights[0]!.run, learn))
    const endedMillis = yield* now
    const millis = Math.max(0, endedMillis - startedMillis)
    const failed = Exit.isFailure(exit)
    if (failed) {
      // Behind an answer nobody sees it, unless somebody joined.
      const seen = !manner.behind || flights[0]!.run.waiters > 1
      const surfaced = seen && rest.some((i) => journeys[i]!.fallbackUntilMillis <= endedMillis)
      yield* reportLookup(core, items[0]!, manner.behind ? "refresh" : "lookup", surfaced, exit.cause)
    }
    const fills: Array<{ readonly item: Item; readonly request: FillRequest }> = []
    const landings: Array<readonly [Flight<Landing>, Landing, stays: boolean]> = []
    for (const [position, i] of rest.entries()) {
      const { item } = journeys[i]!
      const flight = flights[i]!
      core.emitKey(item.key, { _tag: failed ? "LookupFailed" : "LookupSucceeded", millis })
      if (failed) core.backoff.hold(item.flightId, endedMillis + item.policy.errorBackoffMillis)
      else core.backoff.end(item.flightId)
      // A failure never takes the place of a value that may still be answered.
      const standsIn = manner.behind || endedMillis < journeys[i]!.fallbackUntilMillis
      const storable = failed
        ? standsIn
          ? unstorable
          : yield* prepareFailure(core, item, exit.cause, millis)
        : yield* prepareValue(core, item, exit.value[position], millis)
      for (const tag of storable.learnt) flight.names.add(tag)
      const learntTags = [...new Set([...learnt, ...storable.learnt])]
      const one = acquired[i]!
      const { bytes, encoded, keepMillis: timeToLiveMillis } = storable
      const stored = one._tag === "Leased" && bytes !== undefined && !core.journal.hides(item.key.id, learntTags)
      if (stored) fills.push({ item, request: { lease: one.lease, learntTags, bytes, timeToLiveMillis } })
      else if (!failed) core.emitKey(item.key, { _tag: "Uncacheable" })
      const landed = failed ? exit : Exit.succeed(exit.value[position])
      // While it is on its way to the store, calls of this process find it here; a failure is nobody else's.
      landings.push([flight, { exit: landed, names: flight.names, encoded }, stored && !failed])
    }
    const land = Effect.forEach(landings, (one) => core.flights.land(...one), { discard: true })
    const store = fill(core, fills)
    if (!items[0]!.policy.awaitWrite) return yield* Effect.zipRight(land, store)
    const writing = yield* Effect.fork(store)
    yield* Effect.timeoutOption(Fiber.await(writing), core.limits.budgetMillis - manner.spentMillis)
    yield* land
    yield* Fiber.join(writing)
  })
