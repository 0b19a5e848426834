/**
 * Invalidations that the store has not acknowledged, or may have lost since. What they name is hidden on this instance: reads go to the
 * source and nothing is stored, until a replay is acknowledged. A replay is always an invalidation, with tokens of its
 * own, so it may cost a miss and never brings anything back.
 *
 * Bounded, and never forgets: when too many names are waiting the keys become the tags of their prefixes, which hides
 * everything under those; and when there are too many tags, everything is hidden.
 */
import { prefixTagOf } from "../CacheKey.js"
import type { FenceRequest, KeyName } from "../Store.js"

export interface Journal {
  readonly isEmpty: () => boolean
  readonly hides: (key: string, tags: Iterable<string>) => boolean
  readonly add: (request: FenceRequest) => void
  /** What is to be replayed now, and how to strike it out once that is acknowledged. */
  readonly next: (
    maximumNames: number
  ) => { readonly request: FenceRequest; readonly strikeOut: () => void } | undefined
}

export const make = (maximumNames: number): Journal => {
  // The number tells an entry that was added again while its replay was under way.
  const keys = new Map<string, { readonly name: KeyName; readonly added: number }>()
  const tags = new Map<string, number>()
  let everything = 0
  let additions = 0

  return {
    isEmpty: () => keys.size === 0 && tags.size === 0 && everything === 0,
    hides: (key, carried) => {
      if (everything > 0 || keys.has(key)) return true
      // A key stands among the tags of what was computed from its value.
      if (tags.size + keys.size > 0) for (const tag of carried) if (tags.has(tag) || keys.has(tag)) return true
      return false
    },
    add: (request) => {
      additions += 1
      for (const name of request.keys) {
        const shapes = new Set([...(keys.get(name.key)?.name.shapes ?? []), ...name.shapes])
        keys.set(name.key, { name: { key: name.key, shapes: [...shapes] }, added: additions })
      }
      for (const tag of request.tags) tags.set(tag, additions)
      if (keys.size + tags.size > maximumNames) {
        for (const key of keys.keys()) tags.set(prefixTagOf(key), additions)
        keys.clear()
      }
      if (request.everything === true || tags.size > maximumNames) {
        everything = additions
        keys.clear()
        tags.clear()
      }
    },
    next: (maximum) => {
      if (everything > 0) {
        const added = everything
        return {
          request: { keys: [], tags: [], everything: true },
          strikeOut: () => {
            if (everything === added) everything = 0
          }
        }
      }
      const someKeys = [...keys.values()].slice(0, maximum)
      const someTags = [...tags].slice(0, maximum - someKeys.length)
      if (someKeys.length + someTags.length === 0) return undefined
      return {
        request: { keys: someKeys.map((one) => one.name), tags: someTags.map(([tag]) => tag) },
        strikeOut: () => {
          for (const one of someKeys) if (keys.get(one.name.key)?.added === one.added) keys.delete(one.name.key)
          for (const [tag, added] of someTags) if (tags.get(tag) === added) tags.delete(tag)
        }
      }
    }
  }
}
