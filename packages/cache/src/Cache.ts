/**
 * Read or compute: a value under a key, from a store or from its lookup.
 *
 * Whatever fails below, a cached effect answers what its lookup answers, or an old value that the policy allows; its
 * error channel is exactly the lookup's. After an invalidation returned, no call that starts later on this instance
 * gets a value whose lookup began before it.
 *
 * It is no database: everything in it may be gone at any moment, and is then looked up again.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Function from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CacheError } from "./CacheError.js"
import type { CacheEvent } from "./CacheEvent.js"
import * as CacheKey from "./CacheKey.js"
import * as CacheMode from "./CacheMode.js"
import type * as CachePolicy from "./CachePolicy.js"
import type * as CircuitBreaker from "./CircuitBreaker.js"
import { make as makeCore } from "./internal/building.js"
import { coreOf } from "./internal/core.js"
import { outerOf } from "./internal/currentLookup.js"
import { check } from "./internal/item.js"
import * as requestMemo from "./internal/requestMemo.js"
import { service } from "./internal/service.js"
import * as settings from "./internal/settings.js"
import { InvalidationBus } from "./InvalidationBus.js"
import type { JournalStorage } from "./JournalStorage.js"
import * as MemoryTier from "./MemoryTier.js"
import * as Reporter from "./Reporter.js"
import * as Store from "./Store.js"

/**
 * An effect that needs a `Scope` cannot be cached: what it answers must not outlive its scope. Close the scope inside
 * (`Effect.scoped`) and cache what is left.
 *
 * @since 0.1.0
 * @category models
 */
export type Unscoped<R> = 0 extends 1 & R
  ? unknown
  : [Extract<R, Scope.Scope>] extends [never]
    ? unknown
    : "An effect that needs a Scope cannot be cached: its value must not outlive its scope"

/**
 * Stored failures must be failures of the lookup.
 *
 * @since 0.1.0
 * @category models
 */
export type FailsWith<E, EF> = [EF] extends [E] ? unknown : "The policy stores failures that the lookup does not have"

/**
 * What a call of `getMany` is made of.
 *
 * @since 0.1.0
 * @category models
 */
export interface Many<Id, A, I, RS, E, R> {
  readonly key: (id: Id) => CacheKey.CacheKey<A, I, RS>
  /** Looks up the ids that are missing, each once; one value for each, in their order. */
  readonly lookup: (ids: readonly [Id, ...Array<Id>]) => Effect.Effect<ReadonlyArray<A>, E, R>
  readonly policy?: CachePolicy.CachePolicy<A> | undefined
}

/**
 * Keys and tags for one invalidation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Target {
  readonly keys?: ReadonlyArray<CacheKey.CacheKey<any, any, any>> | undefined
  readonly tags?: ReadonlyArray<string> | undefined
}

/**
 * What a mutation makes invalid: known before it, or decided by its result. The result is `None` when the mutation
 * failed, died or was interrupted: the write may have happened all the same. With a `journal` the function is also
 * called before the mutation, with `None`.
 *
 * @since 0.1.0
 * @category models
 */
export type Invalidates<A> = Target | ((result: Option.Option<A>) => Target)

/**
 * @since 0.1.0
 * @category models
 */
export interface MutationOptions {
  /**
   * Names the cache in reports, and is cleared when the function that says what is invalid throws. Default: none, and
   * then everything is.
   */
  readonly prefix?: string | undefined
}

/**
 * The cache. `getOrSet` and `getMany` never fail with an error of the cache; the explicit doors do.
 *
 * An invalidation that fails with a `StoreError` was not acknowledged by the store. It holds on this instance all the
 * same: what it names is looked up and not stored until a replay in the background is acknowledged. In a transaction of
 * `@larder/sql` it waits for the commit, and the call succeeds at once.
 *
 * @since 0.1.0
 * @category tags
 */
export class Cache extends Context.Tag("@larder/cache/Cache")<
  Cache,
  {
    /** Answers the value of a key, looking it up when there is none. One lookup at a time runs for a key. */
    readonly getOrSet: <A, I, RS, E, R, EF = never>(
      key: CacheKey.CacheKey<A, I, RS>,
      lookup: Effect.Effect<A, E, R> & Unscoped<R> & FailsWith<E, EF>,
      policy?: CachePolicy.CachePolicy<A, EF>
    ) => Effect.Effect<A, E, R | RS>
    /** Answers the values of many keys in their order: one read, and one lookup for all that are missing. */
    readonly getMany: <Id, A, I, RS, E, R>(
      ids: ReadonlyArray<Id>,
      options: Many<Id, A, I, RS, E, R> & Unscoped<R>
    ) => Effect.Effect<ReadonlyArray<A>, E, R | RS>
    /** The fresh value of a key, if there is one. */
    readonly get: <A, I, RS>(key: CacheKey.CacheKey<A, I, RS>) => Effect.Effect<Option.Option<A>, CacheError, RS>
    /**
     * Stores a value. What is invalidated or set at the same time elsewhere wins: then nothing is stored. With the
     * cache off, or in a transaction, the key is invalidated and nothing is stored. So too for a value that its schema
     * rejects, which is reported.
     */
    readonly set: <A, I, RS>(
      key: CacheKey.CacheKey<A, I, RS>,
      value: A,
      policy?: CachePolicy.CachePolicy<A>
    ) => Effect.Effect<void, CacheError, RS>
    /**
     * Runs an effect that writes the source, and stores its value. When it fails, dies or is interrupted the key is
     * invalidated, since the write may have happened. Fails with the effect's own failure only.
     */
    readonly writeThrough: <A, I, RS, E, R>(
      key: CacheKey.CacheKey<A, I, RS>,
      write: Effect.Effect<A, E, R> & Unscoped<R>,
      policy?: CachePolicy.CachePolicy<A>
    ) => Effect.Effect<A, E, R | RS>
    /**
     * Runs an effect that writes the source, and then drops what that makes invalid: also when it fails, dies or is
     * interrupted, since the write may have happened. Fails with the effect's own failure only. See `withInvalidation`.
     */
    readonly mutate: <A, E, R>(
      mutation: Effect.Effect<A, E, R>,
      invalidates: Invalidates<A>,
      options?: MutationOptions
    ) => Effect.Effect<A, E, R>
    /**
     * Looks up in any case, and stores the value in the place of any older one: nobody gets that afterwards. When the
     * store does not take it, that is reported, and the older one stays.
     */
    readonly refresh: <A, I, RS, E, R>(
      key: CacheKey.CacheKey<A, I, RS>,
      lookup: Effect.Effect<A, E, R> & Unscoped<R>,
      policy?: CachePolicy.CachePolicy<A>
    ) => Effect.Effect<A, E, R | RS>
    /** Drops keys: no older value of them is answered again. */
    readonly invalidate: (...keys: ReadonlyArray<CacheKey.CacheKey<any, any, any>>) => Effect.Effect<void, CacheError>
    /** Drops every key that carries one of these tags. */
    readonly invalidateTags: (...tags: ReadonlyArray<string>) => Effect.Effect<void, CacheError>
    /** Drops keys and tags together, in one command. */
    readonly invalidateAll: (target: Target) => Effect.Effect<void, CacheError>
    /** Marks keys stale: they are looked up again, and may still stand in where the policy allows stale values. */
    readonly expire: (...keys: ReadonlyArray<CacheKey.CacheKey<any, any, any>>) => Effect.Effect<void, CacheError>
    /** Marks every key stale that carries one of these tags. */
    readonly expireTags: (...tags: ReadonlyArray<string>) => Effect.Effect<void, CacheError>
    /** Drops all keys of a prefix, or those of one scope in it, in one command. */
    readonly clear: (options: {
      readonly prefix: string
      readonly scope?: CacheKey.Part | undefined
    }) => Effect.Effect<void, CacheError>
    /** What happens, as it happens. A slow reader loses the oldest events. */
    readonly events: Stream.Stream<CacheEvent>
    /** The kill switch of this instance. While off, lookups run by themselves; invalidations still happen. */
    readonly setEnabled: (enabled: boolean) => Effect.Effect<void>
    readonly isEnabled: Effect.Effect<boolean>
  }
>() {}

/**
 * The limits and waits of a cache. Each is optional. One that is not usable is a `ConfigurationError`, thrown where the
 * layer is made, that names the option, what was given and what is allowed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long one operation of a remote store may take. `DurationInput`, at least 1 ms. Default 250 ms. */
  readonly storeTimeout?: Duration.DurationInput | undefined
  /** How long all store work that one call waits for may take. `DurationInput`, at least 1 ms. Default 400 ms. */
  readonly storeBudget?: Duration.DurationInput | undefined
  /**
   * How long the right to fill a key lasts without being renewed. `DurationInput`, at least 1 ms. Default 10 seconds. More
   * than a year counts as a year.
   */
  readonly lease?: Duration.DurationInput | undefined
  /**
   * How long a call waits for another instance that is looking the same key up, before it looks up itself without
   * storing. `DurationInput`. Default 400 ms; zero: it does not wait. More spares lookups, and lets a call wait for a
   * holder that is gone.
   */
  readonly leaseWait?: Duration.DurationInput | undefined
  /** How many lookups are shared at a time; beyond it each call looks up by itself. Whole, at least 0. Default 10 000. */
  readonly maximumFlights?: number | undefined
  /**
   * How many unacknowledged invalidations are remembered by name; beyond it everything is hidden. Whole, at least 0.
   * Default 1 000.
   */
  readonly maximumPending?: number | undefined
  /**
   * Where invalidations are kept over the end of the process: `PlatformJournal` of `@larder/platform`. Default:
   * nowhere. Two are: one that the store did not acknowledge, before its caller goes on; and what `mutate`, a mutation
   * of a plan, `writeThrough` or a transaction of `@larder/sql` may make invalid, before it writes or commits, so that a
   * process that is killed before it has told the store loses nothing. The cache begins when what was kept has been
   * loaded. Each takes `storeTimeout` at most.
   */
  readonly journal?: JournalStorage | undefined
  /**
   * For how long an invalidation that the store acknowledged is remembered, so that it is made again when the store may
   * have lost it: it was away, or a replica took over. At most `maximumPending` names. `DurationInput`. Default 1
   * minute; zero: not at all.
   */
  readonly recall?: Duration.DurationInput | undefined
  /** When the store is left alone. Default: after 5 failures in a row, for 1 second growing to 30. */
  readonly breaker?: Pick<CircuitBreaker.Options, "failures" | "pauseMillis" | "maximumPauseMillis"> | undefined
  /**
   * Values in memory above the store, decoded or ready to be: a hit there asks nobody. `true` for the defaults. Default
   * `false`, and with a bus `true`. Without a bus, what another instance invalidates is noticed here when their time is
   * over: 5 seconds by default.
   */
  readonly memory?: boolean | MemoryTier.Options | undefined
  /** Whether it starts switched on. Default `true`. */
  readonly enabled?: boolean | undefined
  /**
   * Told of work that goes on after an answer was given, for hosts that freeze a process when it has answered (the
   * `waitUntil` of serverless platforms). The promise never rejects.
   */
  readonly waitUntil?: ((work: Promise<void>) => void) | undefined
}

/**
 * A cache over the store and the reporter in its context. Built twice, it is two caches: give it to the whole program
 * once, at the end.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<Cache, never, Store.Store | Reporter.Reporter> => {
  const chosen = settings.resolve(options, false)
  return Layer.scoped(
    Cache,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const store = yield* Store.Store
      if (chosen.memory !== undefined && store.remote) yield* Effect.logInfo(withoutBus(chosen.memory))
      return service(yield* makeCore(store, yield* Reporter.Reporter, scope, chosen))
    })
  )
}

const withoutBus = ({ timeToLive = MemoryTier.defaultTimeToLive }: MemoryTier.Options): string =>
  `the cache has values in memory and no bus: what another instance invalidates may be answered here for ` +
  `${Duration.format(timeToLive)} more`

/**
 * A cache that tells other instances what it invalidates, and hears from them: values in memory above the store are
 * answered until their time is over, and no older than the bus is slow. While messages are lost or the bus is away they
 * are answered for `memory.timeToLive` at most. Where the store does not send on the bus, they are read
 * anew after `memory.timeToLive` in any case: who tells by itself may be cut off and not know it.
 *
 * Give it to the store and the bus of one client, so that the message leaves inside the store's operation:
 *
 * @example
 * import { Cache, RedisBus, RedisClient, RedisStore, Reporter } from "@larder/cache"
 * import * as Layer from "effect/Layer"
 *
 * // Of `@larder/redis`, `@larder/upstash`, or your own.
 * const live = (client: Layer.Layer<RedisClient.RedisClient>) =>
 *   Cache.layerWithBus({ memory: { maximumEntries: 50_000 } }).pipe(
 *     Layer.provide([RedisStore.layer, RedisBus.layer, Reporter.layerLog]),
 *     Layer.provide(client)
 *   )
 *
 * typeof live // => "function"
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWithBus = (
  options: Options = {}
): Layer.Layer<Cache, never, Store.Store | Reporter.Reporter | InvalidationBus> => {
  const chosen = settings.resolve(options, true)
  return Layer.scoped(
    Cache,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const reporter = yield* Reporter.Reporter
      return service(yield* makeCore(yield* Store.Store, reporter, scope, chosen, yield* InvalidationBus))
    })
  )
}

/**
 * A cache with the default limits.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Cache, never, Store.Store | Reporter.Reporter> = layerWith({})

/**
 * A cache in memory that logs its failures: for a start, and where there is one instance.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<Cache> = Layer.provide(layer, [Store.layerMemory, Reporter.layerLog])

/**
 * A cache that does nothing: every lookup runs, with the same answers.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNoop: Layer.Layer<Cache> = Layer.provide(layerWith({ enabled: false }), [
  Store.layerNoop,
  Reporter.layerNoop
])

/**
 * What a cache under test did: its events, and the failures it reported.
 *
 * @since 0.1.0
 * @category testing
 */
export class Recorded extends Context.Tag("@larder/cache/Cache/Recorded")<
  Recorded,
  {
    readonly events: Effect.Effect<ReadonlyArray<CacheEvent>>
    readonly failures: Effect.Effect<ReadonlyArray<Reporter.CacheFailure>>
    /** Forgets both. */
    readonly clear: Effect.Effect<void>
  }
>() {}

/**
 * For the tests of a program that uses a cache: in memory, recording what happens. It keeps time by the clock of the
 * test.
 *
 * @example
 * import { Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 * const find = Effect.succeed("Ada").pipe(Cache.withCache(Key(1)))
 *
 * const program = Effect.gen(function* () {
 *   yield* find
 *   yield* find
 *   const recorded = yield* Cache.Recorded
 *   return (yield* recorded.events).map((event) => event._tag)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Cache.layerTest))
 * // => ["Miss", "LookupSucceeded", "Stored", "Hit"]
 *
 * @since 0.1.0
 * @category testing
 */
export const layerTest: Layer.Layer<Cache | Recorded> = Layer.scopedContext(
  Effect.gen(function* () {
    let events: ReadonlyArray<CacheEvent> = []
    let failures: ReadonlyArray<Reporter.CacheFailure> = []
    const store = yield* Effect.map(Layer.build(Store.layerMemory), Context.get(Store.Store))
    const report = (failure: Reporter.CacheFailure) => Effect.sync(() => void (failures = [...failures, failure]))
    const core = yield* makeCore(store, { report }, yield* Effect.scope, settings.resolve({}, false))
    core.listeners.add((event) => void (events = [...events, event]))
    return Context.make(Cache, service(core)).pipe(
      Context.add(Recorded, {
        events: Effect.sync(() => events),
        failures: Effect.sync(() => failures),
        clear: Effect.sync(() => void ((events = []), (failures = [])))
      })
    )
  })
)

/**
 * Caches an effect under a key: a second call within the time to live does not run it. The error channel stays the
 * effect's own; the requirements gain `Cache` and what the key's schema needs.
 *
 * @example
 * import { Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * let lookups = 0
 * const find = (id: number) => Effect.sync(() => `user ${id}, lookup ${++lookups}`)
 *
 * const UserKey = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 * const cached = (id: number) => find(id).pipe(Cache.withCache(UserKey(id), { timeToLive: "5 minutes" }))
 *
 * const program = Effect.all([cached(7), cached(7), cached(8)])
 *
 * await Effect.runPromise(program.pipe(Effect.provide(Cache.layerMemory)))
 * // => ["user 7, lookup 1", "user 7, lookup 1", "user 8, lookup 2"]
 *
 * @since 0.1.0
 * @category combinators
 */
export const withCache: {
  <A, I, RS, EF = never>(
    key: CacheKey.CacheKey<A, I, RS>,
    policy?: CachePolicy.CachePolicy<A, EF>
  ): <E, R>(self: Effect.Effect<A, E, R> & Unscoped<R> & FailsWith<E, EF>) => Effect.Effect<A, E, R | RS | Cache>
  <A, E, R, I, RS, EF = never>(
    self: Effect.Effect<A, E, R> & Unscoped<R> & FailsWith<E, EF>,
    key: CacheKey.CacheKey<A, I, RS>,
    policy?: CachePolicy.CachePolicy<A, EF>
  ): Effect.Effect<A, E, R | RS | Cache>
} = Function.dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R, I, RS>(
    self: Effect.Effect<A, E, R>,
    key: CacheKey.CacheKey<A, I, RS>,
    policy?: CachePolicy.CachePolicy<A, any>
  ): Effect.Effect<A, E, R | RS | Cache> => {
    // A policy that is not usable is a mistake of the program: it shows where the effect is defined.
    if (policy !== undefined) check(policy)
    return Effect.flatMap(Cache, (cache) => cache.getOrSet(key, self as Effect.Effect<A, E, R> & Unscoped<R>, policy))
  }
)

/**
 * An effect that writes the source, and after it drops what that makes invalid: also when it fails, dies or is
 * interrupted, since the write may have happened. The error channel stays the effect's own: what the store does not
 * acknowledge is reported, hidden on this instance, and replayed.
 *
 * With `journal` among the options of the cache, what is named without a result is saved before the effect begins.
 *
 * @example
 * import { Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * const rows = new Map([[1, "Ada"]])
 * const UserKey = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * const find = (id: number) => Effect.sync(() => rows.get(id) ?? "nobody").pipe(Cache.withCache(UserKey(id)))
 * const rename = (id: number, name: string) =>
 *   Effect.sync(() => void rows.set(id, name)).pipe(Cache.withInvalidation({ keys: [UserKey(id)] }))
 *
 * const program = Effect.gen(function* () {
 *   const before = yield* find(1)
 *   yield* rename(1, "Grace")
 *   return [before, yield* find(1)]
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide(Cache.layerMemory))) // => ["Ada", "Grace"]
 *
 * @since 0.1.0
 * @category combinators
 */
export const withInvalidation: {
  (
    invalidates: Target,
    options?: MutationOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Cache>
  <A>(
    invalidates: (result: Option.Option<NoInfer<A>>) => Target,
    options?: MutationOptions
  ): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Cache>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    invalidates: Invalidates<A>,
    options?: MutationOptions
  ): Effect.Effect<A, E, R | Cache>
} = Function.dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(self: Effect.Effect<A, E, R>, invalidates: Invalidates<A>, options?: MutationOptions) =>
    Effect.flatMap(Cache, (cache) => cache.mutate(self, invalidates, options))
)

/**
 * Adds tags to what the running lookup will store: tags that are known only while it looks. Outside a lookup, and
 * with the cache off, it does nothing. A tag that is not usable (empty) is reported, and the value is not stored.
 *
 * @since 0.1.0
 * @category combinators
 */
export const addTags = (...tags: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const lookup = outerOf(context)
    if (lookup === undefined) return
    const own = Either.try(() => tags.map(CacheKey.userTag))
    if (Either.isRight(own)) lookup.learn(own.right)
    else lookup.refuse(own.left)
  })

/**
 * Within this effect nothing is read from a cache and nothing is stored; failures are still reported, and
 * invalidations still happen.
 *
 * @since 0.1.0
 * @category modes
 */
export const withoutCache = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, CacheMode.Current, "Off") as Effect.Effect<A, E, R>

/**
 * Within this effect cached values are read, and what is looked up is not stored.
 *
 * @since 0.1.0
 * @category modes
 */
export const readOnly = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, CacheMode.Current, "ReadOnly") as Effect.Effect<A, E, R>

/**
 * Within this effect nothing is read from a cache: everything is looked up, and stored.
 *
 * @since 0.1.0
 * @category modes
 */
export const withRefresh = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, CacheMode.Current, "Refresh") as Effect.Effect<A, E, R>

/**
 * Runs an effect as one request: what it and the fibers it forks read of a key is read once, and answered the same for
 * as long as the request lasts, also when its time is over meanwhile. Calls at the same time share one read. Whoever
 * asks again gets a copy of its own, as from any cache.
 *
 * Invalidations count: what is invalidated, expired or set on this instance, or heard of from others by a bus, is read
 * anew. Failures are not remembered. The last 1 000 keys are, until the effect ends; a request inside a request has a
 * memory of its own. It is for requests, not for programs: without a bus, what another instance invalidates is not
 * noticed before the end.
 *
 * `getOrSet`, `withCache`, `getMany` and the queries of a plan read through it; `cache.get` asks the store. Lookups do
 * not, since what they answer is everybody's, nor does what runs without cache, in a transaction, or to refresh.
 *
 * @example
 * import { Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * let lookups = 0
 * const find = Effect.sync(() => `lookup ${++lookups}`).pipe(Cache.withCache(Key(1), { timeToLive: 0 }))
 *
 * const request = Effect.gen(function* () {
 *   const cache = yield* Cache.Cache
 *   const before = [yield* find, yield* find]
 *   yield* cache.invalidate(Key(1))
 *   return [...before, yield* find]
 * }).pipe(Cache.withRequestMemo)
 *
 * await Effect.runPromise(request.pipe(Effect.provide(Cache.layerMemory)))
 * // => ["lookup 1", "lookup 1", "lookup 2"]
 *
 * @since 0.1.0
 * @category combinators
 */
export const withRequestMemo = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  requestMemo.during(self)

/**
 * Calls a function with each event at the moment it happens, until the scope closes: for recorders and counters, which
 * must see events in their place among other things. The function is part of the call it hears of, so it must be quick;
 * when it throws, nobody is told. Whoever may be slow reads `cache.events` instead, as does a listener of a cache that
 * somebody wrapped.
 *
 * @example
 * import { Cache, CacheKey } from "@larder/cache"
 * import { Effect, Schema } from "effect"
 *
 * const Key = CacheKey.make({ prefix: "users", key: (id: number) => ["id", id], schema: Schema.String })
 *
 * const program = Effect.gen(function* () {
 *   const heard: Array<string> = []
 *   yield* Cache.listen((event) => heard.push(event._tag))
 *   yield* Effect.succeed("Ada").pipe(Cache.withCache(Key(1), { awaitWrite: true }))
 *   return heard
 * }).pipe(Effect.scoped, Effect.provide(Cache.layerMemory))
 *
 * await Effect.runPromise(program) // => ["Miss", "LookupSucceeded", "Stored"]
 *
 * @since 0.1.0
 * @category combinators
 */
export const listen = (listener: (event: CacheEvent) => void): Effect.Effect<void, never, Cache | Scope.Scope> =>
  Effect.flatMap(Cache, (cache) => {
    const core = coreOf(cache)
    const hear = (event: CacheEvent): void => void Either.try(() => listener(event))
    if (core === undefined) {
      return Effect.asVoid(
        Effect.forkScoped(Stream.runForEach(cache.events, (event) => Effect.sync(() => hear(event))))
      )
    }
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => core.listeners.add(hear)),
        () => Effect.sync(() => core.listeners.delete(hear))
      )
    )
  })
