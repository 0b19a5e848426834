/** From the options of a cache to its settings: each checked, and its default. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Cache from "../Cache.js"
import { maximumTimeToLive } from "../CachePolicy.js"
import type { JournalStorage } from "../JournalStorage.js"
import type * as MemoryTier from "../MemoryTier.js"
import * as allowed from "./allowed.js"
import type { Settings } from "./core.js"

const memory = allowed.parts({
  maximumEntries: allowed.whole(1),
  maximumWeight: allowed.number(1),
  timeToLive: allowed.duration(0),
  isolation: allowed.oneOf("copy", "freeze", "share")
} satisfies allowed.Rules<MemoryTier.Options>)

const breaker = allowed.parts({
  failures: allowed.whole(1),
  pauseMillis: allowed.number(0),
  maximumPauseMillis: allowed.number(0)
} satisfies allowed.Rules<Settings["breaker"]>)

const isStorage = (given: unknown): boolean =>
  typeof given === "object" &&
  given !== null &&
  "load" in given &&
  Effect.isEffect(given.load) &&
  "save" in given &&
  typeof given.save === "function"

const options = allowed.parts({
  storeTimeout: allowed.duration(1),
  storeBudget: allowed.duration(1),
  lease: allowed.duration(1),
  leaseWait: allowed.duration(0),
  maximumFlights: allowed.whole(0),
  maximumPending: allowed.whole(0),
  journal: allowed.shaped<JournalStorage>(
    "a JournalStorage, an object with the effect `load` and the function `save`, such as one of PlatformJournal",
    isStorage
  ),
  recall: allowed.duration(0),
  breaker,
  memory: (where, given) => (typeof given === "boolean" ? given : memory(where, given)),
  enabled: allowed.boolean,
  waitUntil: allowed.shaped<NonNullable<Cache.Options["waitUntil"]>>(
    "a function that takes a promise",
    (given) => typeof given === "function"
  )
} satisfies allowed.Rules<Cache.Options>)

/** Throws a `ConfigurationError` that names the option when one is not usable. `inMemory`: what `memory` is by default. */
export const resolve = (given: Cache.Options, inMemory: boolean): Settings => {
  const chosen = options("", given)
  const memory = chosen.memory ?? inMemory
  return {
    storeTimeout: chosen.storeTimeout ?? Duration.millis(250),
    storeBudget: chosen.storeBudget ?? Duration.millis(400),
    // No store keeps anything for longer.
    lease: Duration.min(chosen.lease ?? Duration.seconds(10), maximumTimeToLive),
    leaseWait: chosen.leaseWait ?? Duration.millis(400),
    maximumFlights: chosen.maximumFlights ?? 10_000,
    maximumPending: chosen.maximumPending ?? 1000,
    journal: chosen.journal,
    recall: chosen.recall ?? Duration.minutes(1),
    maximumFences: 10_000,
    breaker: chosen.breaker ?? {},
    enabled: chosen.enabled ?? true,
    memory: memory === true ? {} : memory === false ? undefined : memory,
    waitUntil: chosen.waitUntil
  }
}
