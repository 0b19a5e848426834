/**
 * Caches a repository by a plan, without touching it or its callers.
 *
 * A repository is the service of any `Context.Tag` whose members are effects or functions of effects; members of other
 * kinds pass through. The plan says of each of them whether it is a query (a key and a schema), a mutation (what it
 * invalidates), or `"uncached"`; forgetting one is a compile error. The layer has the same tag, decorated.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Cache, type Target } from "./Cache.js"
import * as CacheKey from "./CacheKey.js"
import * as CachePolicy from "./CachePolicy.js"
import { reportThrough } from "./internal/core.js"
import { decorated } from "./internal/decorated.js"

type Fx<A = any, E = any, R = any> = Effect.Effect<A, E, R>

/**
 * The arguments of a member; none for an effect.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Args<M> = M extends Fx ? [] : M extends (...args: infer P extends ReadonlyArray<any>) => Fx ? P : never

/**
 * What a member answers.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Success<M> = M extends Fx<infer A> ? A : M extends (...args: any) => Fx<infer A> ? A : never

/**
 * How a member fails.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Failure<M> = M extends Fx<any, infer E> ? E : M extends (...args: any) => Fx<any, infer E> ? E : never

/**
 * What a member needs of its caller.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Requires<M> =
  M extends Fx<any, any, infer R> ? R : M extends (...args: any) => Fx<any, any, infer R> ? R : never

/**
 * The names of the members that are effects or functions of effects.
 *
 * @since 0.1.0
 * @category type-level
 */
export type MethodKey<S> = { readonly [K in keyof S]-?: [Args<S[K]>] extends [never] ? never : K }[keyof S]

/**
 * A member that reads. Beside these, every field of a `CachePolicy`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Query<P extends ReadonlyArray<any>, A, E = never> extends Omit<CachePolicy.CachePolicy<A, E>, "tags"> {
  /** The parts of the key, from the arguments. */
  readonly key: (...args: P) => CacheKey.Parts
  readonly schema: Schema.Schema<A, any, any>
  /** The tags known from the arguments. Those known only while looking up are given by `Cache.addTags`. */
  readonly tags?: ((...args: P) => ReadonlyArray<string>) | undefined
}

/**
 * A member that needs a service of its *caller* says what its result varies by, or one caller's value is served to all.
 *
 * @since 0.1.0
 * @category models
 */
export type Vary<P extends ReadonlyArray<any>, R> = [R] extends [never]
  ? {}
  : { readonly varies: "nothing" | ((...args: P) => Effect.Effect<CacheKey.Parts, never, R>) }

/**
 * What a mutation makes invalid: tags, and entries by the method and arguments that read them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Dropped<S> {
  readonly tags?: ReadonlyArray<string> | undefined
  readonly entries?: { readonly [K in MethodKey<S>]?: ReadonlyArray<Args<S[K]>> } | undefined
}

/**
 * A member that writes. `result` is `None` when it failed, died or was interrupted: the write may have happened all the
 * same, and what the arguments name is invalidated. When the function throws, everything of the plan is. With a
 * `journal` of the cache it is also called before the member, with `None`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mutation<S, P extends ReadonlyArray<any>, A> {
  readonly invalidates: (result: Option.Option<A>, ...args: P) => Dropped<S>
}

// A function whose result is not generic can be put together again from what is inferred of it. A generic one
// cannot, nor can an overloaded one, but of that the last two signatures differ.
type IsGeneric<M> = M extends (...args: infer P extends ReadonlyArray<any>) => infer X
  ? ((...args: P) => X) extends M
    ? false
    : M extends {
          (...args: infer P1 extends ReadonlyArray<any>): infer X1
          (...args: infer P2 extends ReadonlyArray<any>): infer X2
        }
      ? [[P1, X1], [P2, X2]] extends [[P2, X2], [P1, X1]]
        ? true
        : false
      : false
  : false

/** Takes a key function, for the sake of its parameters, and refuses it with a sentence. */
interface Refused<P extends ReadonlyArray<any>, Why extends string> {
  readonly key: ((...args: P) => CacheKey.Parts) & Why
  readonly schema: unknown
}

type QueryOf<M> =
  Scope.Scope extends Requires<M>
    ? Refused<Args<M>, "A member that needs a Scope cannot be cached: its value must not outlive its scope">
    : IsGeneric<M> extends true
      ? Refused<Args<M>, 'A generic member has no one schema: it can only be "uncached"'>
      : unknown extends Success<M>
        ? Refused<Args<M>, 'A member of unknown results has no schema: it can only be "uncached"'>
        : Query<Args<M>, Success<M>, Failure<M>> & Vary<Args<M>, Requires<M>>

/**
 * What a plan says of each member.
 *
 * @since 0.1.0
 * @category models
 */
export type Methods<S> = {
  readonly [K in MethodKey<S>]: QueryOf<S[K]> | Mutation<S, Args<S[K]>, Success<S[K]>> | "uncached"
}

type OptionsOf<Sp> = Sp extends { readonly invalidates: any } ? "invalidates" : keyof Query<any, any> | "varies"

type Unknown<O, Sp> = Sp extends { readonly invalidates: any }
  ? `A mutation has no option but invalidates, and so no ${O & string}`
  : `A query has no option ${O & string}`

/**
 * The methods of a plan, exactly: no member forgotten, none misspelt, no unknown option.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Exact<S, Sp> = Methods<S> & {
  readonly [
    K in Exclude<keyof Sp, MethodKey<S>>
  ]: `The repository has no effect and no function of effects called ${K & string}`
} & {
  readonly [K in keyof Sp & MethodKey<S>]: Sp[K] extends string
    ? Sp[K]
    : { readonly [O in Exclude<keyof Sp[K], OptionsOf<Sp[K]>>]: Unknown<O, Sp[K]> }
}

/**
 * What the schemas of a plan need.
 *
 * @since 0.1.0
 * @category type-level
 */
export type Needs<Sp> = {
  readonly [K in keyof Sp]: Sp[K] extends { readonly schema: Schema.Schema<any, any, infer R> } ? R : never
}[keyof Sp]

/**
 * How a repository is cached.
 *
 * @since 0.1.0
 * @category models
 */
export interface Plan<Sp> {
  /** Names the cache, and starts its keys: `features`. */
  readonly prefix: string
  /** The `V1` of the keys. A whole number, default 1. Raise it to leave every older value behind. */
  readonly version?: number | undefined
  /** The policy of every query, which a query's own fields override. */
  readonly policy?: CachePolicy.CachePolicy | undefined
  readonly methods: Sp
}

type AnyQuery = Query<ReadonlyArray<any>, any, any> & {
  readonly varies?: "nothing" | ((...args: ReadonlyArray<any>) => Effect.Effect<CacheKey.Parts, never, any>)
}
type AnyMutation = Mutation<any, ReadonlyArray<any>, any>
type AnyMethod = AnyQuery | AnyMutation | "uncached"
type Method = (...args: ReadonlyArray<any>) => Fx

/**
 * The repository of a tag, cached by a plan: a layer of the same tag, over the layer that makes the repository.
 *
 * Provide the repository *to* it: `Repository.layerCached(tag, plan).pipe(Layer.provide(live))`. A `Layer.merge` of
 * the two would yield the uncached one. A plan that is not usable throws a `ConfigurationError` here.
 *
 * @example
 * import { Cache, Repository } from "@larder/cache"
 * import { Context, Effect, Layer, Schema } from "effect"
 *
 * class Flags extends Context.Tag("app/Flags")<Flags, {
 *   readonly isOn: (slug: string) => Effect.Effect<boolean>
 *   readonly set: (slug: string, on: boolean) => Effect.Effect<void>
 * }>() {}
 *
 * let queries = 0
 * const rows = new Map([["dark-mode", true]])
 * const FlagsLive = Layer.succeed(Flags, {
 *   isOn: (slug) => Effect.sync(() => (queries++, rows.get(slug) ?? false)),
 *   set: (slug, on) => Effect.sync(() => void rows.set(slug, on))
 * })
 *
 * const FlagsCached = Repository.layerCached(Flags, {
 *   prefix: "flags",
 *   policy: { timeToLive: "5 minutes" },
 *   methods: {
 *     isOn: { key: (slug) => ["global", slug], schema: Schema.Boolean },
 *     set: { invalidates: (_result, slug) => ({ entries: { isOn: [[slug]] } }) }
 *   }
 * }).pipe(Layer.provide(FlagsLive), Layer.provide(Cache.layerMemory))
 *
 * const program = Effect.gen(function* () {
 *   const flags = yield* Flags
 *   const before = [yield* flags.isOn("dark-mode"), yield* flags.isOn("dark-mode")]
 *   yield* flags.set("dark-mode", false)
 *   return [...before, yield* flags.isOn("dark-mode"), queries]
 * })
 *
 * await Effect.runPromise(Effect.provide(program, FlagsCached)) // => [true, true, false, 2]
 *
 * @since 0.1.0
 * @category layers
 */
export const layerCached = <Id, S extends object, const Sp extends Exact<S, Sp>>(
  tag: Context.Tag<Id, S>,
  plan: Plan<Sp>
): Layer.Layer<Id, never, Id | Cache | Needs<Sp>> => {
  const family = CacheKey.family(plan.prefix, plan.version)
  const methods = new Map<PropertyKey, AnyMethod>(Object.entries(plan.methods as Record<string, AnyMethod>))
  const policies = new Map<PropertyKey, CachePolicy.Any>()
  for (const [name, method] of methods) {
    if (isQuery(method)) policies.set(name, policyOf(plan.policy, method))
  }
  const keyOf = (name: PropertyKey, args: ReadonlyArray<any>, more: ReadonlyArray<CacheKey.Part>) => {
    const query = methods.get(name) as AnyQuery
    const parts = query.key(...args)
    const tags = query.tags?.(...args) ?? []
    const varied = typeof query.varies === "function"
    const own = varied ? [...tags, entryTag(CacheKey.of(family, parts, query.schema).id)] : tags
    return CacheKey.of(family, [...parts, ...more] as unknown as CacheKey.Parts, query.schema, own)
  }

  const build = (inner: S, cache: Context.Tag.Service<Cache>, built: Context.Context<any>): S => {
    const call = (name: PropertyKey, args: ReadonlyArray<any>): Fx =>
      Effect.suspend(() => {
        const member: unknown = Reflect.get(inner, name, inner)
        return Effect.isEffect(member) ? (member as Fx) : (member as Method).apply(inner, [...args])
      })
    const report = (kind: "Lookup" | "Policy", operation: string, cause: Cause.Cause<unknown>) =>
      reportThrough(cache, { kind, cache: plan.prefix, operation, surfaced: kind === "Lookup", cause })

    // Without a key there is nothing to read or store: the member answers by itself.
    const alone = (lookup: Fx, mistake: Cause.Cause<unknown>): Fx =>
      Effect.zipRight(
        report("Policy", "key", mistake),
        Effect.tapErrorCause(lookup, (cause) => report("Lookup", "lookup", cause))
      )

    const query =
      (name: PropertyKey, { varies }: AnyQuery): Method =>
      (...args) => {
        const policy = policies.get(name)!
        const lookup = call(name, args)
        const through = (more: ReadonlyArray<CacheKey.Part>): Fx => {
          const key = Either.try(() => ({ ...keyOf(name, args, more), context: built }))
          return Either.isRight(key) ? cache.getOrSet(key.right, lookup, policy) : alone(lookup, Cause.fail(key.left))
        }
        return typeof varies === "function"
          ? Effect.matchCauseEffect(
              Effect.suspend(() => varies(...args)),
              {
                onSuccess: through,
                onFailure: (cause) => (Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : alone(lookup, cause))
              }
            )
          : Effect.suspend(() => through([]))
      }

    const dropped = (
      result: Option.Option<unknown>,
      { invalidates }: AnyMutation,
      args: ReadonlyArray<any>
    ): Target => {
      const { entries = {}, tags = [] } = invalidates(result, ...args)
      const keys: Array<CacheKey.CacheKey<any, any, any>> = []
      const own = [...tags]
      for (const [name, argLists] of Object.entries(entries)) {
        const method = methods.get(name)
        // Nothing is kept of a member that is no query; one that is not in the plan at all is a mistake.
        if (method !== undefined && !isQuery(method)) continue
        for (const one of argLists as ReadonlyArray<ReadonlyArray<any>>) {
          const key = keyOf(name, one, [])
          keys.push(key)
          if (typeof method?.varies === "function") own.push(entryTag(key.id))
        }
      }
      return { keys, tags: own }
    }

    const mutation =
      (name: PropertyKey, method: AnyMutation): Method =>
      (...args) =>
        cache.mutate(call(name, args), (result) => dropped(result, method, args), { prefix: plan.prefix })

    return decorated(inner, (name, member) => {
      const method = methods.get(name)
      if (method === undefined || method === "uncached") return undefined
      const wrapped = isQuery(method) ? query(name, method) : mutation(name, method)
      return Effect.isEffect(member) ? wrapped() : wrapped
    })
  }

  return Layer.effect(
    tag,
    Effect.gen(function* () {
      return build(yield* tag, yield* Cache, yield* Effect.context<any>())
    })
  )
}

const isQuery = (method: AnyMethod): method is AnyQuery => method !== "uncached" && "key" in method

const entryTag = (id: string): string => `entry:${id}`

const policyOf = (shared: CachePolicy.CachePolicy | undefined, query: AnyQuery): CachePolicy.Any => {
  const { key: _key, schema: _schema, tags: _tags, varies: _varies, ...own } = query
  const policy = CachePolicy.merge<any, any>(shared, own)
  CachePolicy.resolve(policy)
  return policy
}
