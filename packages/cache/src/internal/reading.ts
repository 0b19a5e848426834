/**
 * Looking at the store on behalf of a call: what this instance may see of it, and what that means under the policy.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { StoreError } from "../CacheError.js"
import type { MemoryTier } from "../MemoryTier.js"
import type { Item, View } from "../StoreTier.js"
import * as StoreTier from "../StoreTier.js"
import { type Core, now } from "./core.js"
import { type Decision, decide } from "./decide.js"
import { type Dependency, seen } from "./dependencies.js"

/** Whether a view may not be used: its invalidation is pending, or fell while it was on its way. */
const hidden = (core: Core, item: Item, view: View, since: number): boolean =>
  core.journal.hides(item.key.id, view.tags) || core.fences.fellSince(since, [item.key.id, ...view.tags])

/**
 * What is held for the items, in memory or below, as far as this instance may see it. Never fails. `fromBelow`: what is
 * held in memory may be older than what the caller knows of the store already.
 */
export const look = (
  core: Core,
  items: ReadonlyArray<Item>,
  fromBelow = false
): Effect.Effect<ReadonlyArray<View>, never, any> => {
  const { memory } = core
  if (memory === undefined) return lookBelow(core, items)
  return Effect.withFiberRuntime((fiber) => {
    const nowMillis = nowOf(fiber)
    const known = items.map((item) =>
      fromBelow || !item.policy.readsMemory ? undefined : memory.find(item, nowMillis)
    )
    const missing = items.filter((_, i) => known[i] === undefined)
    if (missing.length === 0) return Effect.succeed(known as ReadonlyArray<View>)
    const since = core.fences.now()
    return Effect.map(lookBelow(core, missing), (views) => {
      let next = 0
      return items.map((item, i) => {
        const view = known[i] ?? views[next++]!
        if (known[i] === undefined) promote(memory, item, view, since, nowMillis)
        return view
      })
    })
  })
}

/**
 * Holds in memory what was seen below since a moment, if it is fresh and may be held. Its time counts from when it was
 * asked for: the answer may have waited, and what fell meanwhile elsewhere is not known here.
 */
const promote = (memory: MemoryTier, item: Item, view: View, since: number, nowMillis: number): void => {
  const { encoded, entry, id, tags } = view
  if (entry === undefined || encoded === undefined || view.expired || !item.policy.writesMemory) return
  const { createdAtMillis, expiresAtMillis, lookupMillis } = entry
  memory.hold(item, { createdAtMillis, expiresAtMillis, lookupMillis, encoded, id, tags }, since, nowMillis)
}

/** What the store holds for the items, as far as this instance may see it. Never fails. */
const lookBelow = (core: Core, items: ReadonlyArray<Item>): Effect.Effect<ReadonlyArray<View>, never, any> => {
  const since = core.fences.now()
  const shown = (item: Item) => item.policy.readsStore && !core.journal.hides(item.key.id, item.tags)
  const all = core.journal.isEmpty() && items.every((item) => item.policy.readsStore)
  const open = all ? items : items.filter(shown)
  if (open.length === 0) return Effect.succeed(items.map(() => StoreTier.nothing))
  return Effect.matchEffect(core.tier.read(open), {
    onFailure: (error) =>
      Effect.as(
        core.storeFailed(items[0]!.key.prefix, error),
        items.map(() => StoreTier.nothing)
      ),
    onSuccess: (views): Effect.Effect<ReadonlyArray<View>> => {
      const calm = core.journal.isEmpty() && open === items && core.fences.now() === since
      if (calm && !views.some((view) => view.problem !== undefined)) return Effect.succeed(views)
      const byItem = new Map(open.map((item, i) => [item, views[i]!]))
      const seen = items.map((item) => {
        const view = byItem.get(item)
        return view === undefined || hidden(core, item, view, since) ? StoreTier.nothing : view
      })
      return Effect.as(reportProblems(core, open, views), seen)
    }
  })
}

const reportProblems = (core: Core, items: ReadonlyArray<Item>, views: ReadonlyArray<View>) =>
  Effect.forEach(
    views,
    ({ problem }, i) =>
      problem === undefined
        ? Effect.void
        : core.report({
            kind: "Codec",
            cache: items[i]!.key.prefix,
            operation: "decode",
            surfaced: false,
            cause: Cause.fail(problem)
          }),
    { discard: true }
  )

/** The time of a fiber's clock, without a step of the fiber. */
export const nowOf = (fiber: Fiber.RuntimeFiber<any, any>): number =>
  Context.get(fiber.currentDefaultServices, Clock.Clock).unsafeCurrentTimeMillis()

/** What the policy says of what was seen. `random` matters only to a policy that refreshes ahead. */
export const decisionFor = (core: Core, item: Item, view: View, nowMillis: number, random: number): Decision =>
  decide(item.policy, {
    entry: view.entry,
    expired: view.expired,
    nowMillis,
    backoffUntilMillis: core.backoff.until(item),
    random
  })

/** The answer that an entry holds: its value, or its failure. */
export const content = (view: View): Effect.Effect<unknown, unknown> => {
  const { content } = view.entry!
  return Either.isRight(content) ? Effect.succeed(content.right) : Effect.fail(content.left)
}

/** The fresh value of an item, for the door that carries the store's failures. */
export const fresh = (
  core: Core,
  item: Item,
  observe?: (index: number, answer: Dependency) => void
): Effect.Effect<Option.Option<any>, StoreError, any> =>
  Effect.flatMap(now, (askedMillis) => {
    const fromMemory = observe === undefined && item.policy.readsMemory
    const known = fromMemory ? core.memory?.find(item, askedMillis) : undefined
    if (known !== undefined) return Effect.succeed(Either.getRight(known.entry!.content))
    if (!item.policy.readsStore || core.journal.hides(item.key.id, item.tags)) return Effect.succeedNone
    const since = core.fences.now()
    return Effect.flatMap(core.tier.read([item]), (views) =>
      Effect.zipRight(
        reportProblems(core, [item], views),
        Effect.map(now, (nowMillis) => {
          const [view] = views as [View]
          if (view.entry === undefined || hidden(core, item, view, since)) return Option.none()
          if (view.expired || nowMillis >= view.entry.expiresAtMillis) return Option.none()
          if (core.memory !== undefined) promote(core.memory, item, view, since, askedMillis)
          observe?.(0, seen(item.key.id, view, true))
          return Either.getRight(view.entry.content)
        })
      )
    )
  })
