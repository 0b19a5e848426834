/**
 * A map that forgets what was used least recently once it is full.
 *
 * The entries are a ring in the order of use, through a node that holds nothing; taking one out and putting it before
 * the others is six assignments. Reordering a `Map` instead, by deleting and inserting, costs a rehash every so often.
 */
export interface Lru<A> {
  readonly size: () => number
  /** Finds an entry and makes it the youngest. */
  readonly get: (key: string) => A | undefined
  readonly set: (key: string, value: A) => void
  readonly delete: (key: string) => void
  readonly clear: () => void
  /** What is held, oldest first; to look at it is no use of it. */
  readonly values: () => ReadonlyArray<A>
}

interface Node<A> {
  readonly key: string
  value: A
  weight: number
  older: Node<A>
  younger: Node<A>
}

/**
 * Bounded by number, and by weight where a value has one. A bound that is not at least one, `NaN` for instance, holds
 * one entry: never none, never without bound.
 */
export const make = <A>(maximum: number, maximumWeight = Infinity, weigh: (value: A) => number = () => 1): Lru<A> => {
  const bound = maximum >= 1 ? maximum : 1
  let weight = 0
  const nodes = new Map<string, Node<A>>()
  const ring = { key: "" } as Node<A>
  ring.older = ring
  ring.younger = ring

  const unlink = (node: Node<A>): void => {
    node.older.younger = node.younger
    node.younger.older = node.older
  }
  const linkYoungest = (node: Node<A>): void => {
    node.older = ring.older
    node.younger = ring
    ring.older.younger = node
    ring.older = node
  }
  const touch = (node: Node<A>): void => {
    if (node.younger === ring) return
    unlink(node)
    linkYoungest(node)
  }

  const remove = (node: Node<A>): void => {
    unlink(node)
    nodes.delete(node.key)
    weight -= node.weight
  }
  const isOver = (): boolean => nodes.size > bound || (weight > maximumWeight && nodes.size > 1)

  return {
    size: () => nodes.size,
    get: (key) => {
      const node = nodes.get(key)
      if (node === undefined) return undefined
      touch(node)
      return node.value
    },
    set: (key, value) => {
      const found = nodes.get(key)
      const weighs = weigh(value)
      if (found === undefined) {
        const node: Node<A> = { key, value, weight: weighs, older: ring, younger: ring }
        nodes.set(key, node)
        linkYoungest(node)
      } else {
        weight -= found.weight
        found.value = value
        found.weight = weighs
        touch(found)
      }
      weight += weighs
      while (isOver()) remove(ring.younger)
    },
    delete: (key) => {
      const node = nodes.get(key)
      if (node !== undefined) remove(node)
    },
    values: () => {
      const all: Array<A> = []
      for (let node = ring.younger; node !== ring; node = node.younger) all.push(node.value)
      return all
    },
    clear: () => {
      nodes.clear()
      weight = 0
      ring.older = ring
      ring.younger = ring
    }
  }
}
