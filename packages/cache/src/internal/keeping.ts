/**
 * Values that live in this process's memory alone, because their policy leaves the store out.
 *
 * No store has compared them with the fences of other instances. So they count as known from the instant at which
 * their lookup began, and not from when it ended: an invalidation elsewhere goes unnoticed for the time of memory at
 * the most, however long the lookup took. They carry no name of a stored value.
 */
import type { Resolved } from "../CachePolicy.js"
import type { Content } from "../MemoryTier.js"
import type { Item } from "../StoreTier.js"
import type { Core } from "./core.js"
import type { Storable } from "./storable.js"

/** When a lookup or a write began: on the clock of the fences, and by the time of day. */
export interface Beginning {
  readonly since: number
  readonly millis: number
}

/** Whether anything that is looked up is kept anywhere. */
export const keeps = (core: Core, policy: Resolved): boolean =>
  policy.writesStore || (core.memory !== undefined && policy.writesMemory)

/** A value as memory is to hold it, if its policy leaves the store out and lets memory have it. */
const keepable = (
  core: Core,
  item: Item,
  { encoded, instants }: Storable,
  learntTags: ReadonlyArray<string>
): Content | undefined => {
  const { policy } = item
  if (core.memory === undefined || policy.writesStore || !policy.writesMemory || !core.enabled) return undefined
  if (instants === undefined || encoded === undefined) return undefined
  const tags = [...item.tags, ...learntTags]
  return core.journal.hides(item.key.id, tags) ? undefined : { ...instants, encoded, id: undefined, tags }
}

/** What became of a value that is not stored. */
export type Kept = "Stored" | "Refused" | "Uncacheable"

/** Keeps what was looked up, unless something was fenced since its lookup began. */
export const keep = (
  core: Core,
  item: Item,
  storable: Storable,
  learntTags: ReadonlyArray<string>,
  { millis, since }: Beginning
): Kept => {
  const content = keepable(core, item, storable, learntTags)
  if (content === undefined) return "Uncacheable"
  return core.memory!.hold(item, content, since, millis) ? "Stored" : "Refused"
}

/** The same for what takes the place of older values: a fence falls on those, and is not news to this one. */
export const replace = (
  core: Core,
  item: Item,
  storable: Storable,
  learntTags: ReadonlyArray<string>,
  { millis, since }: Beginning,
  fence: () => void
): Kept => {
  const content = keepable(core, item, storable, learntTags)
  const overtaken = content !== undefined && core.fences.fellSince(since, [item.key.id, ...content.tags])
  fence()
  if (content === undefined) return "Uncacheable"
  return !overtaken && core.memory!.hold(item, content, core.fences.now(), millis) ? "Stored" : "Refused"
}
