/**
 * What must hold of a cache whatever a test did with it. A violation is a defect, which fails the test.
 *
 * - Always: what is held lies within its bounds, and what memory would answer the store would answer too.
 * - At rest, when nobody waits any more: no flight, no lease, and no more fibers than at the start.
 */
import { Cache, Epoch, type MemoryTier, Store } from "@larder/cache"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Supervisor from "effect/Supervisor"
import { type Core, coreOf } from "../../src/internal/core.js"
import { settle } from "./time.js"

const violated = (what: string): never => {
  throw new Error(`invariant violated: ${what}`)
}

const core: Effect.Effect<Core, never, Cache.Cache> = Effect.map(
  Cache.Cache,
  (cache) => coreOf(cache) ?? violated("a cache of ours has a core")
)

const withinBounds = ({ flights, limits, memory }: Core, options: Cache.Options, nowMillis: number): void => {
  if (flights.size() > limits.maximumFlights) violated("more flights than allowed")
  if (memory === undefined) return
  const { maximumEntries = 10_000, maximumWeight = Infinity } = typeof options.memory === "object" ? options.memory : {}
  const weight = memory.answerable(nowMillis).reduce((sum, { encoded }) => sum + encoded.length + 1, 0)
  if (memory.size() > maximumEntries) violated(`${memory.size()} values in memory of ${maximumEntries}`)
  if (weight > maximumWeight) violated(`values in memory weigh ${weight} of ${maximumWeight}`)
}

/** What is held in memory alone, because its policy leaves the store out, has nobody below to ask. */
const validBelow = (store: Context.Tag.Service<Store.Store>, { flightId, id, key, tags }: MemoryTier.Held) =>
  Effect.map(store.read([{ key, shape: flightId.slice(key.length + 1), tags }]), ([answer]) => {
    if (id === undefined) return
    const { epochs, found } = answer!
    if (found._tag !== "Stored") return violated(`memory answers what the store does not have: ${key}`)
    const standing = Epoch.standing(found.stamps, epochs)
    if (standing !== "Current") violated(`memory answers ${key}, which is ${standing} below`)
    if (tags.some((tag) => !found.stamps.tags.some(([name]) => name === tag))) violated(`${key} lost a tag`)
  })

/** What holds at any time. */
export const always = (options: Cache.Options): Effect.Effect<void, never, Cache.Cache | Store.Store> =>
  Effect.gen(function* () {
    const inside = yield* core
    const nowMillis = yield* Clock.currentTimeMillis
    withinBounds(inside, options, nowMillis)
    const store = yield* Store.Store
    for (const one of inside.memory?.answerable(nowMillis) ?? []) yield* Effect.orDie(validBelow(store, one))
  })

/** Runs a test that ends at rest, and looks at what it has left behind. */
export const leavesNothing =
  (options: Cache.Options) =>
  <A, E, R>(test: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Cache.Cache | Store.Store> =>
    Effect.gen(function* () {
      const supervisor = yield* Supervisor.track
      const inside = yield* core
      const answer = yield* Effect.supervised(test, supervisor)
      yield* settle
      if (inside.flights.size() > 0) violated(`${inside.flights.size()} flights are left`)
      if (inside.leases.size() > 0) violated(`${inside.leases.size()} leases are left`)
      const fibers = yield* supervisor.value
      if (fibers.length > 0) violated(`${fibers.length} fibers are left`)
      yield* always(options)
      return answer
    })
