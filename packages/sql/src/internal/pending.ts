/**
 * The fences that one transaction, or one savepoint of it, keeps until its end.
 *
 * After the end it keeps none. A fiber that outlives a savepoint goes on writing on the connection of the transaction
 * around it, and its fences go there; one that outlives the whole transaction lets its own fall.
 */
import type { AfterCommit, Fence } from "@larder/cache/AfterCommit"
import type * as Context from "effect/Context"
import * as Names from "./names.js"

/** How many names of a cache a transaction remembers one by one. */
export const maximumNames = 1_000

export interface Pending extends Context.Tag.Service<AfterCommit> {
  /** What it keeps so far: one fence for each cache and kind, in the order of the first of each. */
  readonly kept: () => ReadonlyArray<Fence>
  /** Ends it, and answers what it kept. */
  readonly end: () => ReadonlyArray<Fence>
}

interface Waiting {
  readonly fence: Fence
  readonly names: Names.Names
}

export const make = (around: Context.Tag.Service<AfterCommit> | undefined): Pending => {
  const waiting: Array<Waiting> = []
  let ended = false
  const kept = () => waiting.map(({ fence, names }): Fence => ({ ...fence, request: names.all() }))
  return {
    keep: (fence) => {
      if (ended) return around?.keep(fence) ?? false
      let one = waiting.find(({ fence: { cache, kind } }) => cache === fence.cache && kind === fence.kind)
      if (one === undefined) {
        one = { fence, names: Names.make(maximumNames) }
        waiting.push(one)
      }
      one.names.add(fence.request)
      return true
    },
    kept,
    end: () => {
      ended = true
      const fences = kept()
      waiting.length = 0
      return fences
    }
  }
}
