/**
 * Under which names a store's things stand in Redis.
 *
 * What belongs to one key has that key in braces, so that a cluster keeps it in one slot; keys hold no braces of their
 * own, `CacheKey` encodes them. Tags and the counter have braces of their own, and so lie in one slot together: whether
 * a learnt tag may be believed depends on both at one instant. Every store has another slot for them.
 *
 * Operators meet these names in `SCAN`, `MONITOR` and their access rules: they are pinned by a test.
 */
import type { FenceRequest, KeyName } from "../Store.js"
import * as busWire from "./busWire.js"

export interface RedisKeys {
  readonly counter: string
  /** What nobody ever writes. */
  readonly nobody: string
  /** Where what was invalidated is told. */
  readonly channel: string
  /** Where it is told to those who do not listen, but read. */
  readonly stream: string
  readonly value: (key: string, shape: string) => string
  readonly epoch: (key: string) => string
  readonly lease: (key: string, shape: string) => string
  readonly tag: (tag: string) => string
  /** What of one key an invalidation deletes. */
  readonly entry: (name: KeyName) => ReadonlyArray<string>
  /** Everything that an invalidation deletes. */
  readonly fenced: (request: FenceRequest) => ReadonlyArray<string>
  /** What a name in Redis belongs to; `undefined` for what says nothing of a value. */
  readonly owner: (name: string) => { readonly key: string } | { readonly tag: string } | undefined
  /** Everything that an expiry marks. */
  readonly marked: (request: FenceRequest) => ReadonlyArray<string>
}

/** The tags that a fence falls on: a key is one too, for the values that were computed from its value. */
export const tagsOf = ({ keys, tags }: Pick<FenceRequest, "keys" | "tags">): ReadonlyArray<string> => [
  ...new Set([...tags, ...keys.map(({ key }) => key)])
]

export const make = (prefix: string): RedisKeys => {
  const value = (key: string, shape: string) => `${prefix}{${key}}:v:${shape}`
  const epoch = (key: string) => `${prefix}{${key}}:e`
  const lease = (key: string, shape: string) => `${prefix}{${key}}:l:${shape}`
  // Empty braces would be none.
  const shared = `${prefix}{${prefix === "" ? "larder" : prefix}}`
  const tag = (tag: string) => `${shared}t:${tag}`
  const held = ({ key, shapes }: KeyName) => shapes.flatMap((shape) => [value(key, shape), lease(key, shape)])
  return {
    counter: `${shared}c`,
    nobody: `${shared}nobody`,
    channel: `${prefix}bus:${busWire.version}`,
    stream: `${shared}bus:${busWire.version}`,
    value,
    epoch,
    lease,
    tag,
    entry: (name) => [epoch(name.key), ...held(name)],
    fenced: ({ keys, tags }) => [
      // Epochs first: should the server die half-way, what is left is a value that nobody answers.
      ...keys.map(({ key }) => epoch(key)),
      ...tagsOf({ keys, tags }).map(tag),
      ...keys.flatMap(held)
    ],
    owner: (name) => {
      if (name.startsWith(`${shared}t:`)) return { tag: name.slice(shared.length + 2) }
      const [, key] = /^\{([^{}]*)\}:(?:e$|v:)/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : "") ?? []
      return key === undefined ? undefined : { key }
    },
    marked: ({ keys, tags }) => [...keys.map(({ key }) => epoch(key)), ...tagsOf({ keys, tags }).map(tag)]
  }
}
