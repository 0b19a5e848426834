/**
 * The names of the fences of one cache and one kind, each once, in the order they came.
 *
 * Bounded, and never forgets: when there are too many, the keys become the tags of their prefixes; and when there are
 * too many tags, everything.
 */
import * as CacheKey from "@larder/cache/CacheKey"
import type { FenceRequest } from "@larder/cache/Store"

export interface Names {
  readonly add: (request: FenceRequest) => void
  readonly all: () => FenceRequest
}

export const make = (maximum: number): Names => {
  const keys = new Map<string, ReadonlySet<string>>()
  const tags = new Set<string>()
  let everything = false
  return {
    add: (request) => {
      for (const { key, shapes } of request.keys) keys.set(key, new Set([...(keys.get(key) ?? []), ...shapes]))
      for (const tag of request.tags) tags.add(tag)
      if (keys.size + tags.size > maximum) {
        for (const key of keys.keys()) tags.add(CacheKey.prefixTagOf(key))
        keys.clear()
      }
      everything ||= request.everything === true || tags.size > maximum
      if (everything) [keys, tags].forEach((names) => names.clear())
    },
    all: () => ({
      keys: [...keys].map(([key, shapes]) => ({ key, shapes: [...shapes] })),
      tags: [...tags],
      ...(everything ? { everything } : {})
    })
  }
}
