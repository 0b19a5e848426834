/**
 * Places for bytes in a `KeyValueStore`, each under a number, never more than so many.
 *
 * A place holds `{ticket} {length}\n` and the bytes; a ticket is random and made for one putting only, so what is found
 * under another ticket, or is not all there, is not what was put. Numbers, and not the keys, name the places: what is
 * there can so be found and removed by a process that knows nothing of its predecessor but how far the numbers go,
 * which stands under `{prefix}places`.
 *
 * A number is in one hand at a time: of the value that is there, of a putting that is under way, among those to be
 * removed, or free. An interrupted putting may still be writing, so its number is removed before it is free.
 */
import type { StoreError } from "@larder/cache/CacheError"
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { storeError, unlessAbsent } from "./errors.js"

/** Where something was put. */
export interface Ticket {
  readonly place: number
  readonly id: string
}

export interface Shelf {
  /**
   * To be called where nothing interrupts, so that no ticket is lost; `restore` is for the writing. `undefined`: every
   * place is in somebody's hands at this moment.
   */
  readonly put: (bytes: Uint8Array, restore: Restore) => Effect.Effect<Ticket | undefined, StoreError>
  /** `undefined`: it is not there, or something else is. */
  readonly get: (ticket: Ticket) => Effect.Effect<Uint8Array | undefined, StoreError>
  /** Gives a place back: what is there may be removed. */
  readonly drop: (place: number) => void
  /** Whether something waits to be removed. */
  readonly isClean: () => boolean
  /** Whether so much waits to be removed that places may run out before the next sweep. */
  readonly isCrowded: () => boolean
  /** Removes what was dropped until then. What cannot be removed is tried again the next time. */
  readonly sweep: Effect.Effect<void>
  /** Begins anew, with these places still taken and everything else removed. */
  readonly begin: (kept: ReadonlyArray<number>) => Effect.Effect<void, StoreError>
  /** Removes everything. What cannot be removed is left to the next beginning. */
  readonly clear: Effect.Effect<void>
}

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** How many names of a `KeyValueStore` are asked for at a time. */
export const concurrency = 16

const crowd = 256
const reserved = 64
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const newline = 10

const frame = (id: string, bytes: Uint8Array): Uint8Array => {
  const head = encoder.encode(`${id} ${bytes.length}\n`)
  const framed = new Uint8Array(head.length + bytes.length)
  framed.set(head)
  framed.set(bytes, head.length)
  return framed
}

const unframe = (id: string, framed: Uint8Array): Uint8Array | undefined => {
  const end = framed.indexOf(newline)
  if (end < 0 || decoder.decode(framed.subarray(0, end)) !== `${id} ${framed.length - end - 1}`) return undefined
  // A copy by the constructor: the store may have answered its own memory, and a slice of a Buffer shares that.
  return new Uint8Array(framed.subarray(end + 1))
}

export const make = (options: {
  readonly store: KeyValueStore.KeyValueStore
  readonly prefix: string
  readonly maximum: number
  /** Asked for the place of the value that may go when all are taken. */
  readonly evict: () => number | undefined
}): Shelf => {
  const { evict, maximum, prefix, store } = options
  const nameOf = (place: number) => `${prefix}${place}`
  const reach = `${prefix}places`
  const growing = Effect.unsafeMakeSemaphore(1)
  const free: Array<number> = []
  const dropped = new Set<number>()
  let next = 0
  // Places beyond it are not written to: nobody would find them again.
  let reachable = 0

  const take = (): number | undefined => free.pop() ?? (next < maximum ? next++ : evict())

  const grow = (place: number) =>
    place < reachable
      ? Effect.void
      : growing.withPermits(1)(
          Effect.suspend(() => {
            if (place < reachable) return Effect.void
            const reaching = Math.min(maximum, place + reserved)
            return Effect.map(store.set(reach, `${reaching}.`), () => {
              reachable = reaching
            })
          })
        )

  const remove = (place: number) => unlessAbsent(store.remove(nameOf(place)))

  return {
    put: (bytes, restore) =>
      Effect.suspend(() => {
        const place = take()
        if (place === undefined) return Effect.succeed(undefined)
        const id = globalThis.crypto.randomUUID()
        return restore(Effect.zipRight(grow(place), store.set(nameOf(place), frame(id, bytes)))).pipe(
          Effect.onError(() => Effect.sync(() => dropped.add(place))),
          Effect.mapBoth({ onFailure: storeError("fill"), onSuccess: () => ({ place, id }) })
        )
      }),
    get: ({ id, place }) =>
      Effect.mapBoth(store.getUint8Array(nameOf(place)), {
        onFailure: storeError("read"),
        onSuccess: Option.match({ onNone: () => undefined, onSome: (framed) => unframe(id, framed) })
      }),
    drop: (place) => void dropped.add(place),
    isClean: () => dropped.size === 0,
    isCrowded: () => dropped.size >= Math.min(crowd, maximum / 4),
    sweep: Effect.suspend(() => {
      const places = [...dropped]
      dropped.clear()
      return Effect.forEach(
        places,
        (place) =>
          Effect.matchCause(Effect.timeout(remove(place), "10 seconds"), {
            onFailure: () => void dropped.add(place),
            onSuccess: () => void free.push(place)
          }),
        { concurrency, discard: true }
      )
    }),
    begin: (kept) =>
      Effect.gen(function* () {
        const written = yield* store.get(reach)
        const text = Option.getOrElse(written, () => "0.")
        // What cannot be read may have been any number, up to that of today.
        reachable = /^\d{1,7}\.$/.test(text) ? Number.parseInt(text, 10) : Math.min(maximum, 1e6)
        const taken = new Set(kept)
        const others = Array.from({ length: reachable }, (_, place) => place).filter((place) => !taken.has(place))
        yield* Effect.forEach(others, remove, { concurrency, discard: true })
        if (reachable > maximum) yield* store.set(reach, `${maximum}.`)
        reachable = Math.min(reachable, maximum)
        next = reachable
        free.push(...others.filter((place) => place < maximum).toReversed())
      }).pipe(Effect.mapError(storeError("begin"))),
    clear: Effect.suspend(() =>
      Effect.zipRight(
        Effect.forEach(
          Array.from({ length: reachable }, (_, place) => place),
          remove,
          { concurrency, discard: true }
        ),
        unlessAbsent(store.remove(reach))
      )
    ).pipe(Effect.ignore)
  }
}
