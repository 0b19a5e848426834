/** Makes a cache's core, and starts what runs beside its calls, in the scope of its layer. */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { CacheEvent } from "../CacheEvent.js"
import * as CircuitBreaker from "../CircuitBreaker.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import * as MemoryTier from "../MemoryTier.js"
import type { CacheFailure, CacheRecovery, Reporter } from "../Reporter.js"
import * as SingleFlight from "../SingleFlight.js"
import type { FenceRequest, Store } from "../Store.js"
import * as StoreTier from "../StoreTier.js"
import * as announcing from "./announcing.js"
import * as backoff from "./backoff.js"
import type { Core, Settings } from "./core.js"
import * as fences from "./fences.js"
import * as hearing from "./hearing.js"
import * as heldLeases from "./heldLeases.js"
import * as recovery from "./recovery.js"
import * as storeFailures from "./storeFailures.js"
import * as tally from "./tally.js"
import * as token from "./token.js"
import { isWithin } from "./within.js"

export const make = (
  store: Context.Tag.Service<Store>,
  reporter: Context.Tag.Service<Reporter>,
  scope: Scope.Scope,
  settings: Settings,
  bus?: Context.Tag.Service<InvalidationBus>
): Effect.Effect<Core> =>
  Effect.gen(function* () {
    const operationMillis = Duration.toMillis(settings.storeTimeout)
    const leaseMillis = Duration.toMillis(settings.lease)

    const listeners = new Set<(event: CacheEvent) => void>()
    const emit = (event: CacheEvent): void => {
      for (const listener of listeners) listener(event)
    }
    const report = (failure: CacheFailure): Effect.Effect<void> =>
      Cause.isInterruptedOnly(failure.cause)
        ? Effect.void
        : Effect.catchAllCause(
            Effect.suspend(() => reporter.report(failure)),
            () => Effect.void
          )
    const recovered = (recovery: CacheRecovery): Effect.Effect<void> =>
      Effect.catchAllCause(
        Effect.suspend(() => reporter.recovered?.(recovery) ?? Effect.void),
        () => Effect.void
      )
    const { failed, recoveries, worked } = yield* storeFailures.make(emit, report, recovered)
    const ofStorage = yield* storeFailures.make(emit, report, recovered)

    const fenceClock = { moment: 0 }
    const all = fences.make(settings.maximumFences, fenceClock)
    const hard = fences.make(settings.maximumFences, fenceClock)
    /** What somebody did to the store: news to what is in memory alone. */
    const changes = fences.make(settings.maximumFences, fenceClock)
    const raise = (some: fences.Fences, request: FenceRequest): void => {
      if (request.everything === true) some.raiseAll()
      else some.raise([...request.keys.map((name) => name.key), ...request.tags])
    }
    const fenceHere: Core["fenceHere"] = (request, isHard) => {
      raise(all, request)
      if (isHard) raise(hard, request)
    }
    const memoryFences = {
      now: all.now,
      fellSince: (since: number, names: Iterable<string>) =>
        all.fellSince(since, names) || changes.fellSince(since, names)
    }

    const returns = yield* Queue.sliding<void>(1)
    const breaker = CircuitBreaker.make({
      ...settings.breaker,
      onChange: (state) =>
        Effect.sync(() => {
          if (state === "Closed") {
            returns.unsafeOffer(undefined)
            // Whoever answers now may be a replica that has taken over.
            journal.suspect()
          }
          emit({ _tag: state === "Open" ? "CircuitOpened" : "CircuitClosed" })
        })
    })
    const tier = StoreTier.make(store, {
      operationMillis,
      leaseMillis,
      breaker,
      onSuccess: worked,
      onRegress: () => journal.suspect()
    })
    const carried = bus !== undefined && announcing.isCarried(store, bus)
    const sender = { origin: token.nonce(), told: 0 }
    const below = announcing.make(tier, bus, { carried, sender, operationMillis, worked })
    const journal = yield* recovery.make({
      fencing: below,
      fenceHere,
      emit,
      failed: (error) => failed("*", error),
      storageFailed: (error) => ofStorage.failed("*", error),
      storageWorked: () => ofStorage.worked("save"),
      storeIsBack: Queue.take(returns),
      storage: settings.journal,
      clock: yield* Effect.clock,
      maximumPending: settings.maximumPending,
      recallMillis: Duration.toMillis(settings.recall),
      operationMillis
    })
    const leases = yield* heldLeases.make(tier, leaseMillis, (error) => failed("*", error))

    const ownMillis = Duration.toMillis(settings.memory?.timeToLive ?? MemoryTier.defaultTimeToLive)
    let busHeardMillis = -Infinity
    // Who tells by itself may be cut off, or gone, before others miss what it told: then a beat of one's own says that
    // one hears, and not that one has heard everything.
    const allHeardMillis = (): number => (carried ? busHeardMillis : -Infinity)
    const core: Core = {
      tier,
      below,
      memory:
        settings.memory === undefined ? undefined : MemoryTier.make(memoryFences, settings.memory, allHeardMillis),
      flights: SingleFlight.make(scope),
      fences: all,
      isHeardSince: (beganMillis, nowMillis) =>
        bus === undefined ||
        isWithin(beganMillis, ownMillis, nowMillis) ||
        isWithin(allHeardMillis(), ownMillis, nowMillis),
      hardFences: hard,
      fenceHere,
      journal,
      backoff: backoff.make(all, settings.maximumFlights),
      leases,
      heldBy: new WeakMap(),
      emit,
      emitKey: (key, event) => {
        if (listeners.size > 0) emit({ ...event, cache: key.prefix, key: key.id })
      },
      listeners,
      tally: tally.make(),
      report,
      storeFailed: failed,
      limits: {
        budgetMillis: Duration.toMillis(settings.storeBudget),
        leaseMillis,
        leaseWaitMillis: Duration.toMillis(settings.leaseWait),
        maximumFlights: settings.maximumFlights
      },
      waitUntil: settings.waitUntil,
      enabled: settings.enabled
    }

    yield* journal.restore
    yield* Scope.addFinalizer(scope, journal.last)
    yield* Effect.forkIn(leases.renewals, scope)
    yield* Effect.forkIn(journal.replays, scope)
    yield* Effect.forkIn(journal.recalls, scope)
    yield* Effect.forkIn(recoveries, scope)
    yield* Effect.forkIn(ofStorage.recoveries, scope)
    if (bus === undefined) return core

    const listener: hearing.Listener = {
      fenceHere,
      changed: (request) => raise(changes, request),
      isOwnFence: tier.isOwnFence,
      lastCount: tier.lastCount,
      counted: tier.counted,
      gap: (because) => {
        all.raiseAll()
        hard.raiseAll()
        // A first subscription says nothing about the server; a lost one, and a count that does not fit, may.
        if (busHeardMillis > -Infinity) journal.suspect()
        emit({ _tag: "Gap", because })
      },
      busIsHeard: (atMillis) => {
        busHeardMillis = atMillis
      },
      emit,
      failed: (error) => failed("*", error),
      worked
    }
    const silenceMillis = Math.max(1_000, ownMillis)
    yield* Effect.forkIn(hearing.listen(listener, bus, { sender, carried, operationMillis, silenceMillis }), scope)
    return core
  })
