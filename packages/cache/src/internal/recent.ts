/**
 * What the store acknowledged lately. A store that fails over to a replica may have lost the last of it, and then it is
 * invalidated again. Bounded by time and by names: the oldest is forgotten, since it was acknowledged.
 */
import type { FenceRequest, KeyName } from "../Store.js"

export interface Recent {
  readonly add: (request: FenceRequest, nowMillis: number) => void
  /** All of it, as one request; `undefined` when there is nothing. It stays. */
  readonly all: (nowMillis: number) => FenceRequest | undefined
}

interface Fenced {
  readonly key?: KeyName
  readonly tag?: string
  readonly atMillis: number
}

export const make = (maximumNames: number, windowMillis: number): Recent => {
  const names = new Map<string, Fenced>()
  let everythingAt = -Infinity
  const put = (name: string, one: Fenced): void => {
    names.delete(name)
    names.set(name, one)
  }
  return {
    add: ({ everything, keys, tags }, atMillis) => {
      if (everything === true) everythingAt = atMillis
      for (const key of keys) put(`k ${key.key}`, { key, atMillis })
      for (const tag of tags) put(`t ${tag}`, { tag, atMillis })
      for (const [name, one] of names) {
        if (names.size <= maximumNames && one.atMillis > atMillis - windowMillis) break
        names.delete(name)
      }
    },
    all: (nowMillis) => {
      const since = nowMillis - windowMillis
      if (everythingAt > since) return { keys: [], tags: [], everything: true }
      const some = [...names.values()].filter(({ atMillis }) => atMillis > since)
      const keys = some.flatMap(({ key }) => (key === undefined ? [] : [key]))
      const tags = some.flatMap(({ tag }) => (tag === undefined ? [] : [tag]))
      return some.length === 0 ? undefined : { keys, tags }
    }
  }
}
