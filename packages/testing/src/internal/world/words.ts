/** What a world is made of and what happens in it, as plain data. */

/** A store operation meets one of these on its way. */
export type StoreFault =
  /** Refused at once; nothing is done. */
  | "refuses"
  /** Never arrives, and nobody says so. */
  | "vanishes"
  /** Done, and its reply is lost. */
  | "losesReply"
  /** Done, and the reply says that it failed. */
  | "deniesReply"
  /** On its way for longer than anybody waits; done in the end. */
  | "isLate"
  /** Done a second time, later. */
  | "happensTwice"

export const storeFaults: ReadonlyArray<StoreFault> = [
  "refuses",
  "vanishes",
  "losesReply",
  "deniesReply",
  "isLate",
  "happensTwice"
]

export type Operations = "any" | "reads" | "leases" | "fills" | "fences"

export const operations: ReadonlyArray<Operations> = ["any", "reads", "leases", "fills", "fences"]

/** A message meets one of these on its way to an instance. */
export type BusFault = "lost" | "delayed" | "overtaken" | "repeated"

export const busFaults: ReadonlyArray<BusFault> = ["lost", "delayed", "overtaken", "repeated"]

/**
 * How an instance is cut off from the bus: its subscription fails and it cannot send (`loud`), it hears nothing and is
 * not told so (`deaf`), its subscription is forgotten and it is not told so (`forgotten`), or what it sends is lost and
 * it is not told so (`mute`).
 */
export type Cut = "loud" | "deaf" | "forgotten" | "mute"

export const cuts: ReadonlyArray<Cut> = ["loud", "deaf", "forgotten", "mute"]

export type Fence =
  | "invalidate"
  | "declared"
  | "learnt"
  | "prefix"
  | "expire"
  | "expireTag"
  | "set"
  | "writeThrough"
  | "mutate"

export const fences: ReadonlyArray<Fence> = [
  "invalidate",
  "declared",
  "learnt",
  "prefix",
  "expire",
  "expireTag",
  "set",
  "writeThrough",
  "mutate"
]

export type Id = 0 | 1 | 2

export const ids: ReadonlyArray<Id> = [0, 1, 2]

/** What happens next. `at` is the number of an instance. */
export type Happening =
  /** A call; it is interrupted after so many milliseconds, if at all. */
  | { readonly do: "get"; readonly at: number; readonly id: Id; readonly interrupted?: number | undefined }
  /** A call on every instance. */
  | { readonly do: "ask"; readonly id: Id }
  | { readonly do: "getMany"; readonly at: number; readonly id: Id }
  | { readonly do: "refresh"; readonly at: number; readonly id: Id }
  /** The database changes, and nobody says so. */
  | { readonly do: "change"; readonly id: Id }
  /** A mutation: what it names changes in the database, or not, and the cache is told. */
  | { readonly do: "fence"; readonly at: number; readonly id: Id; readonly by: Fence; readonly changes: boolean }
  /** How long lookups of a key take before and after they read, and whether they fail. */
  | {
      readonly do: "database"
      readonly id: Id
      readonly before: number
      readonly after: number
      readonly fails: boolean
    }
  /** The next so many operations of all instances, or of one, meet a fault. */
  | {
      readonly do: "store"
      readonly at: number | "all"
      readonly fault: StoreFault
      readonly on: Operations
      readonly times: number
    }
  | { readonly do: "healStore" }
  /** The store is away for so long, and has forgotten everything then. */
  | { readonly do: "restartStore"; readonly millis: number }
  /** The store drops what was not used for the longest time. */
  | { readonly do: "evict"; readonly keys: number }
  /** The next so many messages to an instance meet a fault. */
  | { readonly do: "bus"; readonly at: number; readonly fault: BusFault; readonly times: number }
  | { readonly do: "cut"; readonly at: number; readonly how: Cut }
  | { readonly do: "healBus" }
  /** An instance stops in the middle of what it does, or is closed, and is started again after so long. */
  | { readonly do: "crash" | "close"; readonly at: number; readonly millis: number }

/** A happening, and how much time passes before it. */
export interface Step {
  readonly wait: number
  readonly happening: Happening
}

export const policies = {
  /** Longer than values in memory may be answered unheard: whatever is answered for too long is still within its time. */
  plain: { timeToLive: 12_000 },
  revalidating: { timeToLive: 3_000, staleWhileRevalidate: 10_000 },
  resilient: { timeToLive: 3_000, staleIfError: 15_000, softTimeout: 50, errorBackoff: 1_000 },
  eager: { timeToLive: 10_000, refreshAhead: 50, awaitWrite: true }
} as const

export interface Policy {
  readonly timeToLive: number
  readonly staleWhileRevalidate?: number
  readonly staleIfError?: number
  readonly softTimeout?: number
  readonly errorBackoff?: number
  readonly refreshAhead?: number
  readonly awaitWrite?: boolean
}

export type PolicyName = keyof typeof policies

export interface Setup {
  readonly instances: number
  /** Whether the store publishes inside its operations, or each instance after them. */
  readonly carried: boolean
  readonly policy: PolicyName
  /** By how much the clock of each instance is ahead. */
  readonly skewMillis: ReadonlyArray<number>
  /** Whether instances have places for their journals, which outlive them. */
  readonly kept: boolean
  /** Whether calls wait for a lease of another instance for as long as lookups take. */
  readonly patient: boolean
  /** Whether everything is made whole in the end, and looked at. */
  readonly ends: boolean
  /** Where the chances of the world begin. */
  readonly luck: number
}

export interface Scenario {
  readonly setup: Setup
  readonly steps: ReadonlyArray<Step>
}

/** How long values in memory are answered without a sign of life of the bus. */
export const memoryMillis = 4_000
export const memoryEntries = 2
export const storeTimeoutMillis = 250
/** How long a message takes that meets no fault, at most. */
export const busMillis = 5
