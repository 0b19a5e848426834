/**
 * The doors of a cache: which of them read, which fence, which go past the cache, and what each does with the failures
 * of the parts below. `Cache.ts` says what they promise.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Cache, Target } from "../Cache.js"
import { ConfigurationError, type StoreError } from "../CacheError.js"
import type { CacheEvent } from "../CacheEvent.js"
import * as CacheKey from "../CacheKey.js"
import * as CacheMode from "../CacheMode.js"
import * as CachePolicy from "../CachePolicy.js"
import type { FenceRequest } from "../Store.js"
import { type Item, keyName } from "../StoreTier.js"
import { inTransaction } from "./bypass.js"
import { attach, type Core } from "./core.js"
import { outerOf } from "./currentLookup.js"
import * as fencing from "./fencing.js"
import { dependOn, observing } from "./inheriting.js"
import { itemOf } from "./item.js"
import { reportLookup } from "./failures.js"
import * as mutations from "./mutations.js"
import * as queries from "./queries.js"
import { fresh } from "./reading.js"
import * as requestMemo from "./requestMemo.js"

const ownTags = (tags: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>, ConfigurationError> =>
  configured(() => tags.map(CacheKey.userTag))

const configured = <A>(f: () => A): Effect.Effect<A, ConfigurationError> =>
  Effect.try({
    try: f,
    catch: (error) =>
      error instanceof ConfigurationError ? error : new ConfigurationError({ where: "cache", detail: "not usable" })
  })

const clearing = (prefix: string, scope?: CacheKey.Part): FenceRequest => ({
  keys: [],
  tags: [scope === undefined ? CacheKey.family(prefix).tag : CacheKey.scopeTag(CacheKey.family(prefix).prefix, scope)]
})

/** Everything that the store holds of any cache. */
const everything: FenceRequest = { keys: [], tags: [], everything: true }

const isOff = (core: Core, context: Context.Context<never>): boolean =>
  !core.enabled || Context.get(context, CacheMode.Current) === "Off" || inTransaction(context)

/** The doors of a cache, over its core. */
export const service = (core: Core): Context.Tag.Service<Cache> => {
  /** Decides the policy; a policy that is not usable is reported, and the call is answered without a cache. */
  const withItem = <A>(
    context: Context.Context<never>,
    key: CacheKey.CacheKey<any, any, any>,
    policy: CachePolicy.Any | undefined,
    use: (item: ReturnType<typeof itemOf>) => Effect.Effect<A, any, any>,
    without: Effect.Effect<A, any, any>
  ): Effect.Effect<A, any, any> => {
    const item = Either.try(() => itemOf(key, policy, Context.get(context, CachePolicy.Ambient)))
    return Either.isRight(item)
      ? use(item.right)
      : Effect.zipRight(queries.reportPolicy(core, key.prefix, item.left), without)
  }

  const alone = (
    key: CacheKey.CacheKey<any, any, any>,
    lookup: Effect.Effect<any, any, any>,
    policy: CachePolicy.Any | undefined
  ) =>
    Effect.contextWithEffect((context: Context.Context<never>) => {
      core.emitKey(key, { _tag: "Bypassed" })
      dependOn(context, [key])
      return Effect.tapErrorCause(lookup, (cause) =>
        reportLookup(
          core,
          { cache: key.prefix, operation: "lookup", surfaced: true, failures: policy?.failures },
          cause
        )
      )
    })

  /** A write whose value must not be stored: what was stored before it goes. */
  const writeAlone = (key: CacheKey.CacheKey<any, any, any>, effect: Effect.Effect<any, any, any>) =>
    Effect.ensuring(
      Effect.tapErrorCause(effect, (cause) =>
        core.report({ kind: "Lookup", cache: key.prefix, operation: "write", surfaced: true, cause })
      ),
      Effect.ignore(drop([key], []))
    )

  const write = (
    context: Context.Context<never>,
    key: CacheKey.CacheKey<any, any, any>,
    effect: Effect.Effect<any, any, any>,
    policy: CachePolicy.Any | undefined,
    isWrite: boolean
  ): Effect.Effect<fencing.Written<any>, ConfigurationError, any> =>
    Effect.flatMap(
      configured(() => itemOf(key, policy, Context.get(context, CachePolicy.Ambient))),
      (item) => fencing.writeThrough(core, [item], listed(effect), outerOf(context), isWrite)
    )

  const told = ({ key, policy }: Item, isWrite: boolean, cause: Cause.Cause<unknown>) => {
    const operation = isWrite ? "write" : "refresh"
    // What a write fails with is no answer of a lookup.
    const failures = isWrite ? undefined : policy.failures
    return reportLookup(core, { cache: key.prefix, operation, surfaced: true, failures }, cause)
  }

  const rewrite = (
    key: CacheKey.CacheKey<any, any, any>,
    effect: Effect.Effect<any, any, any>,
    policy: CachePolicy.Any | undefined,
    isWrite: boolean
  ): Effect.Effect<any, any, any> =>
    Effect.contextWithEffect((context: Context.Context<never>) => {
      if (isOff(core, context)) return isWrite ? writeAlone(key, effect) : alone(key, effect, policy)
      const outer = outerOf(context)
      return withItem(
        context,
        key,
        policy,
        (item) =>
          Effect.flatMap(
            fencing.writeThrough(core, [item], listed(effect), outer, isWrite, observing(outer)),
            ({ exit }) =>
              Exit.isSuccess(exit)
                ? Effect.succeed(exit.value[0])
                : Effect.zipRight(told(item, isWrite, exit.cause), exit)
          ),
        isWrite ? writeAlone(key, effect) : alone(key, effect, policy)
      )
    })

  const drop = (keys: ReadonlyArray<CacheKey.CacheKey<any, any, any>>, tags: ReadonlyArray<string>) =>
    fence("invalidate", keys, tags)

  const fence = (
    kind: "invalidate" | "expire",
    keys: ReadonlyArray<CacheKey.CacheKey<any, any, any>>,
    tags: ReadonlyArray<string>
  ): Effect.Effect<void, StoreError> =>
    Effect.suspend(() =>
      fencing.fence(core, kind, keys[0]?.prefix ?? "*", { keys: keys.map(keyNameOf), tags: [...new Set(tags)] })
    )

  const getOrSet = (
    key: CacheKey.CacheKey<any, any, any>,
    lookup: Effect.Effect<any, any, any>,
    policy?: CachePolicy.Any
  ): Effect.Effect<any, any, any> =>
    Effect.contextWithEffect((context: Context.Context<never>) => {
      if (isOff(core, context)) return alone(key, lookup, policy)
      const mode = Context.get(context, CacheMode.Current)
      if (mode === "Refresh") return rewrite(key, lookup, policy, false)
      return withItem(
        context,
        key,
        policy,
        (item) => {
          const outer = outerOf(context)
          const call = { items: [item], lookup: () => listed(lookup), mode, outer, observe: observing(outer) }
          const memories = requestMemo.memoriesOf(core, context, outer)
          return memories === undefined
            ? queries.answer(core, call)
            : queries.first(
                requestMemo.through(core, memories, call.items, (_, observe) =>
                  listed(queries.answer(core, { ...call, observe }))
                )
              )
        },
        alone(key, lookup, policy)
      )
    })

  return attach<Context.Tag.Service<Cache>>(
    {
      getOrSet,
      getMany: (ids, { key, lookup, policy }) =>
        Effect.contextWithEffect((context: Context.Context<never>): Effect.Effect<any, any, any> => {
          if (ids.length === 0) return Effect.succeed([])
          return queries.many(core, context, ids, key, lookup, policy, isOff(core, context))
        }),
      get: (key) =>
        Effect.contextWithEffect((context: Context.Context<never>) =>
          Effect.flatMap(
            configured(() => itemOf(key, undefined, Context.get(context, CachePolicy.Ambient))),
            (item) => (isOff(core, context) ? Effect.succeedNone : fresh(core, item, observing(outerOf(context))))
          )
        ),
      set: (key, value, policy) =>
        Effect.contextWithEffect((context: Context.Context<never>) =>
          isOff(core, context)
            ? drop([key], [])
            : Effect.flatMap(write(context, key, Effect.succeed(value), policy, true), ({ failure }) =>
                failure === undefined ? Effect.void : Effect.fail(failure)
              )
        ),
      writeThrough: (key, effect, policy) =>
        mutations.announced(core, () => requestOf({ keys: [key] }), rewrite(key, effect, policy, true)),
      mutate: (mutation, invalidates, { prefix } = {}) =>
        mutations.mutate(core, {
          effect: mutation,
          cache: prefix ?? "*",
          requestOf: (result) => requestOf(typeof invalidates === "function" ? invalidates(result) : invalidates),
          otherwise: prefix === undefined ? everything : clearing(prefix)
        }),
      refresh: (key, lookup, policy) => rewrite(key, lookup, policy, false),
      invalidate: (...keys) => drop(keys, []),
      invalidateTags: (...tags) => Effect.flatMap(ownTags(tags), (own) => drop([], own)),
      invalidateAll: ({ keys = [], tags = [] }) => Effect.flatMap(ownTags(tags), (own) => drop(keys, own)),
      expire: (...keys) => fence("expire", keys, []),
      expireTags: (...tags) => Effect.flatMap(ownTags(tags), (own) => fence("expire", [], own)),
      clear: ({ prefix, scope }) =>
        Effect.flatMap(
          configured(() => clearing(prefix, scope)),
          (request) => fencing.fence(core, "invalidate", prefix, request)
        ),
      events: Stream.asyncPush<CacheEvent>(
        (emit) =>
          Effect.acquireRelease(
            Effect.sync(() => {
              const listener = (event: CacheEvent) => void emit.single(event)
              core.listeners.add(listener)
              return listener
            }),
            (listener) => Effect.sync(() => core.listeners.delete(listener))
          ),
        { bufferSize: 4096, strategy: "sliding" }
      ),
      setEnabled: (enabled) =>
        Effect.sync(() => {
          core.enabled = enabled
        }),
      isEnabled: Effect.sync(() => core.enabled)
    },
    core
  )
}

const listed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<ReadonlyArray<A>, E, R> =>
  Effect.map(effect, (value) => [value])

const keyNameOf = (key: CacheKey.CacheKey<any, any, any>) => keyName(itemOf(key))

const requestOf = ({ keys = [], tags = [] }: Target): FenceRequest => ({
  keys: keys.map(keyNameOf),
  tags: [...new Set(tags.map(CacheKey.userTag))]
})
