/**
 * A map that forgets what was used least recently once it is full.
 *
 * The entries are a ring in the order of use, through a node that holds nothing; taking one out and putting it before
 * the others is six assignments. Reordering a `Map` instead, by deleting and inserting, costs a rehash every so often.
 */
export interface Lru<A> {
  /** Finds an entry and makes it the youngest. */
  readonly get: (key: string) => A | undefined
  readonly set: (key: string, value: A) => void
  readonly delete: (key: string) => void
  readonly clear: () => void
}

interface Node<A> {
  readonly key: string
  value: A
  older: Node<A>
  younger: Node<A>
}

/** A bound that is not at least one, `NaN` for instance, holds one entry: never none, never without bound. */
export const make = <A>(maximum: number): Lru<A> => {
  const bound = maximum >= 1 ? maximum : 1
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

  return {
    get: (key) => {
      const node = nodes.get(key)
      if (node === undefined) return undefined
      touch(node)
      return node.value
    },
    set: (key, value) => {
      const found = nodes.get(key)
      if (found !== undefined) {
        found.value = value
        touch(found)
        return
      }
      const node: Node<A> = { key, value, older: ring, younger: ring }
      nodes.set(key, node)
      linkYoungest(node)
      if (nodes.size > bound) {
        const oldest = ring.younger
        unlink(oldest)
        nodes.delete(oldest.key)
      }
    },
    delete: (key) => {
      const node = nodes.get(key)
      if (node === undefined) return
      unlink(node)
      nodes.delete(key)
    },
    clear: () => {
      nodes.clear()
      ring.older = ring
      ring.younger = ring
    }
  }
}
