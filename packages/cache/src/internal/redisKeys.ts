/**
 * Under which names a store's things stand in Redis.
 *
 * What belongs to one key has that key in braces, so that a cluster keeps it in one slot; keys hold no braces of their
 * own, `CacheKey` encodes them. Operators meet these names in `SCAN`, `MONITOR` and their access rules: they are pinned
 * by a test.
 */
import type { FenceRequest } from "../Store.js"

export interface RedisKeys {
  readonly counter: string
  readonly value: (key: string, shape: string) => string
  readonly epoch: (key: string) => string
  readonly lease: (key: string, shape: string) => string
  readonly tag: (tag: string) => string
  /** Everything that an invalidation deletes. */
  readonly fenced: (request: FenceRequest) => ReadonlyArray<string>
  /** Everything that an expiry marks. */
  readonly marked: (request: FenceRequest) => ReadonlyArray<string>
}

export const make = (prefix: string): RedisKeys => {
  const value = (key: string, shape: string) => `${prefix}{${key}}:v:${shape}`
  const epoch = (key: string) => `${prefix}{${key}}:e`
  const lease = (key: string, shape: string) => `${prefix}{${key}}:l:${shape}`
  const tag = (tag: string) => `${prefix}t:${tag}`
  return {
    counter: `${prefix}c`,
    value,
    epoch,
    lease,
    tag,
    fenced: ({ keys, tags }) => [
      // Epochs first: should the server die half-way, what is left is a value that nobody answers.
      ...keys.map(({ key }) => epoch(key)),
      ...tags.map(tag),
      ...keys.flatMap(({ key, shapes }) => shapes.flatMap((shape) => [value(key, shape), lease(key, shape)]))
    ],
    marked: ({ keys, tags }) => [...keys.map(({ key }) => epoch(key)), ...tags.map(tag)]
  }
}
