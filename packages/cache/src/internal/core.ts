/**
 * What the parts of one `Cache` share: the tier, the flights under way, the fences that fell, the journal, and who is
 * told of what. Made once for each layer, in its scope.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { StoreError } from "../CacheError.js"
import type { CacheKey } from "../CacheKey.js"
import type { CacheEvent, KeyEvent, StoreEvent } from "../CacheEvent.js"
import * as CircuitBreaker from "../CircuitBreaker.js"
import type { CacheFailure, Reporter } from "../Reporter.js"
import type { Run } from "../SingleFlight.js"
import * as SingleFlight from "../SingleFlight.js"
import * as MemoryTier from "../MemoryTier.js"
import type { JournalStorage } from "../JournalStorage.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { FenceRequest, Lease, Store } from "../Store.js"
import type { Item } from "../StoreTier.js"
import * as StoreTier from "../StoreTier.js"
import * as announcing from "./announcing.js"
import * as fences from "./fences.js"
import * as hearing from "./hearing.js"
import * as recovery from "./recovery.js"
import * as tally from "./tally.js"
import * as token from "./token.js"

/** The limits and waits of a cache; see `Cache.Options`, which documents each. */
export interface Settings {
  readonly storeTimeout: Duration.DurationInput
  readonly storeBudget: Duration.DurationInput
  readonly lease: Duration.DurationInput
  readonly leaseWait: Duration.DurationInput
  readonly maximumFlights: number
  readonly maximumPending: number
  /** Where the journal is kept over a restart; absent: nowhere. */
  readonly journal: JournalStorage | undefined
  readonly recall: Duration.DurationInput
  readonly maximumFences: number
  readonly breaker: Pick<CircuitBreaker.Options, "failures" | "pauseMillis" | "maximumPauseMillis">
  readonly enabled: boolean
  /** Absent: no values in memory above the store. */
  readonly memory: MemoryTier.Options | undefined
  readonly waitUntil: ((work: Promise<void>) => void) | undefined
}

/** How a flight ended. */
export interface Landing {
  readonly exit: Exit.Exit<any, any>
  /** What the value depends on: its key, and every tag, learnt ones too. */
  readonly names: Iterable<string>
  /** The value as it is stored, for whoever joined: each gets a copy of its own. */
  readonly encoded: string | undefined
}

export interface Core {
  readonly tier: Omit<StoreTier.StoreTier, keyof announcing.Fencing>
  /** Lets fences fall in the store, and tells other instances. */
  readonly below: announcing.Fencing
  /** Values in memory above the store, if there are to be any. */
  readonly memory: MemoryTier.MemoryTier | undefined
  readonly flights: SingleFlight.SingleFlight<Landing>
  /** Every fence that fell here: what began before one is not shared with who comes after it. */
  readonly fences: fences.Fences
  /** Whether every fence that fell elsewhere before `nowMillis`, but for the latest, would have been heard here. */
  readonly isHeardSince: (beganMillis: number, nowMillis: number) => boolean
  /** Those that forbid an older value even as a fallback: invalidations and sets. */
  readonly hardFences: fences.Fences
  /** Lets a fence fall on this instance. */
  readonly fenceHere: (request: FenceRequest, hard: boolean) => void
  /** Invalidations that the store has not acknowledged, or may have lost. */
  readonly journal: recovery.Recovery
  /** Until when lookups of a key are held back after a failure. */
  readonly backoff: {
    readonly until: (item: Pick<Item, "flightId" | "names">) => number
    readonly hold: (flightId: string, untilMillis: number) => void
    readonly end: (flightId: string) => void
  }
  /** The leases whose lookups are running. */
  readonly leases: ReadonlySet<Lease>
  /** Keeps a lease alive from now on. */
  readonly hold: (lease: Lease) => void
  /** No longer; answers whether it was kept alive. */
  readonly letGo: (lease: Lease) => boolean
  /** Waits until there is a lease to keep alive. */
  readonly leasesWanted: Effect.Effect<void>
  /** The leases in the hands of each run. */
  readonly heldBy: WeakMap<Run, ReadonlyArray<Lease>>
  readonly emitKey: (key: Pick<CacheKey<any>, "id" | "prefix">, event: KeyEvent) => void
  readonly emit: (event: StoreEvent) => void
  readonly listeners: Set<(event: CacheEvent) => void>
  /** Counts hits and lookups, to see a cache that never hits. */
  readonly tally: tally.Tally
  readonly report: (failure: CacheFailure) => Effect.Effect<void>
  /** Tells of a store failure that somebody was answered without; of a row of them, once. */
  readonly storeFailed: (cache: string, error: StoreError) => Effect.Effect<void>
  readonly limits: {
    readonly budgetMillis: number
    readonly leaseMillis: number
    readonly leaseWaitMillis: number
    readonly maximumFlights: number
  }
  readonly waitUntil: ((work: Promise<void>) => void) | undefined
  enabled: boolean
}

const cores = new WeakMap<object, Core>()

/** Remembers the core behind a cache, for the rooms above that report through it. */
export const attach = <Service extends object>(service: Service, core: Core): Service => {
  cores.set(service, core)
  return service
}

/** The core behind a cache, if it is ours. */
export const coreOf = (service: object): Core | undefined => cores.get(service)

/** Reports through the cache's reporter; a cache that is not ours logs. */
export const reportThrough = (service: object, failure: CacheFailure): Effect.Effect<void> => {
  const core = cores.get(service)
  return core === undefined ? Effect.logWarning(`${failure.cache}: ${failure.operation} failed`) : core.report(failure)
}

export const now: Effect.Effect<number> = Clock.currentTimeMillis

export const make = (
  store: Context.Tag.Service<Store>,
  reporter: Context.Tag.Service<Reporter>,
  scope: Scope.Scope,
  settings: Settings,
  bus?: Context.Tag.Service<InvalidationBus>
): Effect.Effect<Core> =>
  Effect.gen(function* () {
    const listeners = new Set<(event: CacheEvent) => void>()
    const emit = (event: CacheEvent): void => {
      for (const listener of listeners) listener(event)
    }
    // Of a row of failures one is told; an operation that goes on failing while others succeed begins no row anew.
    const failing = new Set<string>()
    let told = false
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
    const leaseMillis = Duration.toMillis(settings.lease)
    const operationMillis = Duration.toMillis(settings.storeTimeout)
    const storeWorked = (operation: string): void => {
      told = false
      if (failing.size > 0) failing.delete(operation)
    }
    const tier = StoreTier.make(store, {
      operationMillis,
      leaseMillis,
      breaker,
      onSuccess: storeWorked,
      onRegress: () => journal.suspect()
    })
    const carried = bus !== undefined && announcing.isCarried(store, bus)
    const sender = { origin: token.nonce(), told: 0 }
    const all = fences.make(settings.maximumFences)
    const hard = fences.make(settings.maximumFences)
    const report = (failure: CacheFailure): Effect.Effect<void> =>
      Cause.isInterruptedOnly(failure.cause)
        ? Effect.void
        : Effect.catchAllCause(
            Effect.suspend(() => reporter.report(failure)),
            () => Effect.void
          )
    const renewing = yield* Queue.sliding<void>(1)
    const leases = new Set<Lease>()
    const held = new Map<string, { readonly untilMillis: number; readonly since: number }>()
    const ownMillis = Duration.toMillis(settings.memory?.timeToLive ?? MemoryTier.defaultTimeToLive)
    let busHeardMillis = -Infinity
    // Who tells by itself may be cut off, or gone, before others miss what it told: then a beat of one's own says that
    // one hears, and not that one has heard everything.
    const allHeardMillis = (): number => (carried ? busHeardMillis : -Infinity)
    const below = announcing.make(tier, bus, { carried, sender, operationMillis })
    const fenceHere: Core["fenceHere"] = (request, isHard) => {
      const names = [...request.keys.map((name) => name.key), ...request.tags]
      for (const some of isHard ? [all, hard] : [all]) {
        if (request.everything === true) some.raiseAll()
        else some.raise(names)
      }
    }
    const storeFailed: Core["storeFailed"] = (cache, error) =>
      Effect.suspend(() => {
        emit({ _tag: "StoreFailed", operation: error.operation, reason: error.reason })
        const { operation } = error
        if (error.reason === "CircuitOpen" || failing.has(operation)) return Effect.void
        failing.add(operation)
        if (told) return Effect.void
        told = true
        return report({ kind: "Store", cache, operation, surfaced: false, cause: Cause.fail(error) })
      })
    const journal = yield* recovery.make({
      fencing: below,
      fenceHere,
      emit,
      failed: (error) => storeFailed("*", error),
      storeIsBack: Queue.take(returns),
      storage: settings.journal,
      clock: yield* Effect.clock,
      maximumPending: settings.maximumPending,
      recallMillis: Duration.toMillis(settings.recall),
      operationMillis
    })
    const core: Core = {
      tier,
      below,
      memory: settings.memory === undefined ? undefined : MemoryTier.make(all, settings.memory, allHeardMillis),
      flights: SingleFlight.make(scope),
      fences: all,
      isHeardSince: (beganMillis, nowMillis) =>
        bus === undefined || nowMillis < Math.max(beganMillis, allHeardMillis()) + ownMillis,
      hardFences: hard,
      fenceHere,
      journal,
      backoff: {
        until: ({ flightId, names }) => {
          const one = held.size === 0 ? undefined : held.get(flightId)
          // A fence asks for a lookup, whatever the last one came to.
          return one === undefined || all.fellSince(one.since, names) ? -Infinity : one.untilMillis
        },
        hold: (flightId, untilMillis) => {
          held.delete(flightId)
          held.set(flightId, { untilMillis, since: all.now() })
          if (held.size > settings.maximumFlights) held.delete(held.keys().next().value!)
        },
        end: (flightId) => {
          if (held.size > 0) held.delete(flightId)
        }
      },
      leases,
      hold: (lease) => {
        leases.add(lease)
        if (leases.size === 1) renewing.unsafeOffer(undefined)
      },
      letGo: (lease) => leases.delete(lease),
      leasesWanted: Queue.take(renewing),
      heldBy: new WeakMap(),
      emit,
      emitKey: (key, event) => {
        if (listeners.size > 0) emit({ ...event, cache: key.prefix, key: key.id })
      },
      listeners,
      tally: tally.make(),
      report,
      storeFailed,
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
    yield* Effect.forkIn(renewals(core), scope)
    yield* Effect.forkIn(journal.replays, scope)
    yield* Effect.forkIn(journal.recalls, scope)
    if (bus !== undefined) {
      const silenceMillis = Math.max(1_000, ownMillis)
      const listener: hearing.Listener = {
        fenceHere,
        gap: (because) => {
          all.raiseAll()
          hard.raiseAll()
          // A first subscription says nothing about the server; a lost one, and a count that does not fit, may.
          if (busHeardMillis > -Infinity) journal.suspect()
          emit({ _tag: "Gap", because })
        },
        busIsHeard: (atMillis) => {
          busHeardMillis = Math.max(busHeardMillis, atMillis)
        },
        emit,
        failed: (error) => storeFailed("*", error),
        worked: storeWorked
      }
      yield* Effect.forkIn(hearing.listen(listener, bus, { sender, carried, operationMillis, silenceMillis }), scope)
    }
    return core
  })

/** One fiber keeps every lease of the instance alive; a lookup costs an entry in a set. It sleeps while there is none. */
const renewals = (core: Core): Effect.Effect<void> =>
  Effect.forever(
    Effect.gen(function* () {
      yield* core.leasesWanted
      while (core.leases.size > 0) {
        yield* Effect.sleep(core.limits.leaseMillis / 3)
        const leases = [...core.leases]
        if (leases.length === 0) break
        const kept = yield* Effect.either(core.tier.renew(leases))
        if (kept._tag === "Left") yield* core.storeFailed("*", kept.left)
        else leases.forEach((lease, i) => kept.right[i] === false && core.letGo(lease))
      }
    })
  )
