/**
 * What the store acknowledged lately. A store that fails over to a replica may have lost the last of it, and then it is
 * invalidated again. Bounded by time and by names: the oldest is forgotten, since it was acknowledged.
 */
import type { FenceRequest, KeyName } from "../Store.js"

export interface Recent {
  readonly add: (request: FenceRequest, nowMillis: number) => void
  /**
   * Takes what was told again. What is remembered keeps its time: if each recall made it young, a store that stays
   * suspect would be told for ever.
   */
  readonly again: (request: FenceRequest, nowMillis: number) => void
  /** What is not acknowledged any more: when it is, that counts. */
  readonly forget: (request: FenceRequest) => void
  /** All of it, as one request; `undefined` when there is nothing. It stays. */
  readonly all: (nowMillis: number) => FenceRequest | undefined
}

interface Fenced {
  readonly key?: KeyName
  readonly tag?: string
  readonly atMillis: number
}

const keyed = ({ key }: KeyName): string => `k ${key}`
const tagged = (tag: string): string => `t ${tag}`

export const make = (maximumNames: number, windowMillis: number): Recent => {
  const names = new Map<string, Fenced>()
  let everythingAt = -Infinity
  const put = (name: string, one: Fenced): void => {
    names.delete(name)
    names.set(name, one)
  }
  const add = ({ everything, keys, tags }: FenceRequest, atMillis: number): void => {
    if (everything === true) everythingAt = atMillis
    for (const key of keys) put(keyed(key), { key, atMillis })
    for (const tag of tags) put(tagged(tag), { tag, atMillis })
    for (const [name, one] of names) {
      if (names.size <= maximumNames && one.atMillis > atMillis - windowMillis) break
      names.delete(name)
    }
  }
  return {
    add,
    again: ({ everything, keys, tags }, atMillis) => {
      const isOver = (millis = -Infinity): boolean => millis <= atMillis - windowMillis
      add(
        {
          everything: everything === true && isOver(everythingAt),
          keys: keys.filter((key) => isOver(names.get(keyed(key))?.atMillis)),
          tags: tags.filter((tag) => isOver(names.get(tagged(tag))?.atMillis))
        },
        atMillis
      )
    },
    forget: ({ everything, keys, tags }) => {
      if (everything === true) everythingAt = -Infinity
      for (const key of keys) names.delete(keyed(key))
      for (const tag of tags) names.delete(tagged(tag))
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
