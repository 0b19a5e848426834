/**
 * What the parts of one `Cache` share: the tier, the flights under way, the fences that fell, the journal, and who is
 * told of what. `building` makes it, once for each layer.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { CacheEvent, KeyEvent, StoreEvent } from "../CacheEvent.js"
import type { CacheKey } from "../CacheKey.js"
import type * as CircuitBreaker from "../CircuitBreaker.js"
import type * as Epoch from "../Epoch.js"
import type { JournalStorage } from "../JournalStorage.js"
import type * as MemoryTier from "../MemoryTier.js"
import type { CacheFailure } from "../Reporter.js"
import type { Run, SingleFlight } from "../SingleFlight.js"
import type { FenceRequest, Lease } from "../Store.js"
import type { StoreTier } from "../StoreTier.js"
import type * as announcing from "./announcing.js"
import type * as backoff from "./backoff.js"
import type { Since } from "./dependencies.js"
import type * as fences from "./fences.js"
import type * as heldLeases from "./heldLeases.js"
import type * as recovery from "./recovery.js"
import type { StoreFailures } from "./storeFailures.js"
import type * as tally from "./tally.js"

/** The limits and waits of a cache, checked by `settings`; see `Cache.Options`, which documents each. */
export interface Settings {
  readonly storeTimeout: Duration.Duration
  readonly storeBudget: Duration.Duration
  readonly lease: Duration.Duration
  readonly leaseWait: Duration.Duration
  readonly maximumFlights: number
  readonly maximumPending: number
  /** Where the journal is kept over a restart; absent: nowhere. */
  readonly journal: JournalStorage | undefined
  readonly recall: Duration.Duration
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
  /** When it ends; `Infinity` for a failure that is not stored. */
  readonly expiresAtMillis: number
  /** Since when fences on its names count for whoever launched the flight. */
  readonly since: Since
  /** The store's count of fences that it was leased or found under. */
  readonly countedAt: Epoch.Counter | undefined
}

export interface Core {
  readonly tier: Omit<StoreTier, keyof announcing.Fencing>
  /** Lets fences fall in the store, and tells other instances. */
  readonly below: announcing.Fencing
  /** Values in memory above the store, if there are to be any. */
  readonly memory: MemoryTier.MemoryTier | undefined
  readonly flights: SingleFlight<Landing>
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
  readonly backoff: backoff.Backoff
  readonly leases: heldLeases.HeldLeases
  /** The leases in the hands of each run. */
  readonly heldBy: WeakMap<Run, ReadonlyArray<Lease>>
  readonly emitKey: (key: Pick<CacheKey<any>, "id" | "prefix">, event: KeyEvent) => void
  readonly emit: (event: StoreEvent) => void
  readonly listeners: Set<(event: CacheEvent) => void>
  /** Counts hits and lookups, to see a cache that never hits. */
  readonly tally: tally.Tally
  readonly report: (failure: CacheFailure) => Effect.Effect<void>
  /** Tells of a store failure that somebody was answered without; of a row of them, once. */
  readonly storeFailed: StoreFailures["failed"]
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
