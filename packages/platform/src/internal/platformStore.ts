/**
 * A memory store whose values are tickets, and a shelf where what they stand for is. Every rule of a store is the
 * memory store's, and so holds within this process as it does there; a ticket is swapped for its bytes on the way out.
 *
 * The bytes are on the shelf before the ticket is in the store, so that whoever finds a ticket finds the bytes. A ticket
 * whose place was given to another value is a value that was lost.
 */
import { type StoreError } from "@larder/cache/CacheError"
import * as Epoch from "@larder/cache/Epoch"
import * as Store from "@larder/cache/Store"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Options } from "../PlatformStore.js"
import { storeName } from "./errors.js"
import * as keptValues from "./keptValues.js"
import * as shelves from "./shelf.js"

type Service = Context.Tag.Service<Store.Store>

/** One value: whose it is, and where its bytes are. */
interface Held {
  readonly key: string
  readonly shape: string
  readonly ticket: shelves.Ticket
  readonly expiresAtMillis: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const textOf = ({ id, place }: shelves.Ticket): string => `${place} ${id}`
const bytesOf = (ticket: shelves.Ticket): Uint8Array => encoder.encode(textOf(ticket))
const nameOf = ({ key, shape }: { readonly key: string; readonly shape: string }): string => `${shape}\u0000${key}`

export const make = (options: Options): Effect.Effect<Service, StoreError, KeyValueStore.KeyValueStore | Scope.Scope> =>
  Effect.gen(function* () {
    const {
      keepAcrossRestarts = false,
      maximumValues = 10_000,
      prefix = "larder.",
      sweepEvery = "30 seconds"
    } = options
    const maximum = maximumValues >= 1 ? Math.floor(maximumValues) : 1
    const store = yield* KeyValueStore.KeyValueStore
    const memory = Context.get(yield* Layer.build(Store.layerMemoryWith({ maximumKeys: maximum })), Store.Store)
    const wake = yield* Queue.sliding<void>(1)

    // In the order of use, the least recently used first.
    const held = new Map<string, Held>()
    const shelf = shelves.make({
      store,
      prefix,
      maximum,
      evict: () => {
        const oldest = held.entries().next().value
        if (oldest === undefined) return undefined
        held.delete(oldest[0])
        return oldest[1].ticket.place
      }
    })

    const forget = (name: string): void => {
      const one = held.get(name)
      if (one === undefined) return
      held.delete(name)
      shelf.drop(one.ticket.place)
    }
    const hold = (one: Held): void => {
      const name = nameOf(one)
      forget(name)
      held.set(name, one)
      if (held.size === 1 || shelf.isCrowded()) wake.unsafeOffer(undefined)
    }

    /** Swaps the ticket in an answer for the bytes it stands for. */
    const redeem = (
      request: { readonly key: string; readonly shape: string },
      answer: Store.ReadAnswer
    ): Effect.Effect<Store.ReadAnswer, StoreError> => {
      const { found } = answer
      if (found._tag !== "Stored") return Effect.succeed(answer)
      const name = nameOf(request)
      const text = decoder.decode(found.bytes)
      const current = () => {
        const one = held.get(name)
        return one !== undefined && textOf(one.ticket) === text ? one : undefined
      }
      const one = current()
      if (one === undefined) return Effect.succeed({ ...answer, found: { _tag: "Absent" } })
      held.delete(name)
      held.set(name, one)
      return Effect.map(shelf.get(one.ticket), (bytes) => {
        if (bytes !== undefined) return { ...answer, found: { ...found, bytes } }
        // Its place may have been given away while it was fetched.
        return {
          ...answer,
          found: current() === undefined ? { _tag: "Absent" } : { _tag: "Malformed", id: found.id }
        }
      })
    }

    const settleLease = (
      request: Store.LeaseRequest,
      answer: Store.LeaseAnswer
    ): Effect.Effect<Store.LeaseAnswer, StoreError> => {
      if (answer._tag !== "Found" || answer.answer.found._tag !== "Stored") return Effect.succeed(answer)
      const { id } = answer.answer.found
      return Effect.flatMap(redeem(request, answer.answer), (redeemed) =>
        redeemed.found._tag === "Absent"
          ? // Nobody has the value any more: it is as good as refused.
            Effect.flatMap(memory.lease([{ ...request, seen: id }]), ([again]) => settleLease(request, again!))
          : Effect.succeed({ _tag: "Found", answer: redeemed })
      )
    }

    const fill = (requests: ReadonlyArray<Store.FillRequest>) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const tickets: Array<shelves.Ticket | undefined> = []
          const giveBack = Effect.sync(() => tickets.forEach((ticket) => ticket && shelf.drop(ticket.place)))
          for (const { bytes } of requests) {
            tickets.push(yield* Effect.onError(shelf.put(bytes, restore), () => giveBack))
          }
          const outcomes: Array<Store.Outcome> = []
          for (const [i, request] of requests.entries()) {
            const ticket = tickets[i]
            if (ticket === undefined) {
              yield* memory.release([request.lease])
              outcomes.push("Refused")
              continue
            }
            const [outcome] = yield* memory.fill([{ ...request, bytes: bytesOf(ticket) }])
            yield* place(request.lease, ticket, outcome!, request.timeToLiveMillis)
            outcomes.push(outcome!)
          }
          return outcomes
        })
      )

    const place = (
      { key, shape }: { readonly key: string; readonly shape: string },
      ticket: shelves.Ticket,
      outcome: Store.Outcome,
      timeToLiveMillis: number
    ) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (outcome === "Stored") hold({ key, shape, ticket, expiresAtMillis: now + timeToLiveMillis })
        else shelf.drop(ticket.place)
      })

    const commit = (request: Store.CommitRequest) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const { bytes, ...fence } = request
          const fenceOnly = Effect.tap(memory.commit(fence), () => forget(nameOf(request.capture)))
          if (bytes === undefined) return yield* fenceOnly
          // The key is fenced in any case: when the bytes cannot be written, by a commit of nothing.
          const ticket = yield* Effect.onError(shelf.put(bytes, restore), () => Effect.ignore(fenceOnly))
          if (ticket === undefined) return yield* fenceOnly
          const answer = yield* memory.commit({ ...fence, bytes: bytesOf(ticket) })
          forget(nameOf(request.capture))
          yield* place(request.capture, ticket, answer.outcome, request.timeToLiveMillis)
          return answer
        })
      )

    const forgetFenced = (request: Store.FenceRequest) => {
      const names =
        request.everything === true
          ? [...held.keys()]
          : request.keys.flatMap(({ key, shapes }) => shapes.map((shape) => nameOf({ key, shape })))
      names.forEach(forget)
      if (!shelf.isClean()) wake.unsafeOffer(undefined)
    }

    const sweep = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      for (const [name, one] of held) if (now >= one.expiresAtMillis) forget(name)
      return shelf.sweep
    })
    const sweeps = Effect.forever(
      Effect.gen(function* () {
        const idle = held.size === 0 && shelf.isClean()
        yield* idle ? Queue.take(wake) : Effect.race(Queue.take(wake), Effect.sleep(sweepEvery))
        yield* sweep
      })
    )

    /** Fills the memory store anew with what was valid: under epochs of its own era, so that older leases are void. */
    const restore = (values: ReadonlyArray<keptValues.Kept>) =>
      Effect.forEach(values, (one) =>
        Effect.gen(function* () {
          const { expiresAtMillis, id, key, place, shape, stale, tags } = one
          const timeToLiveMillis = expiresAtMillis - (yield* Clock.currentTimeMillis)
          const request = { key, shape, tags, seen: "*", leaseMillis: 1_000, retainMillis: timeToLiveMillis }
          const [answer] = yield* memory.lease([request])
          if (answer?._tag !== "Granted") return
          const bytes = bytesOf({ place, id })
          yield* memory.fill([{ lease: answer.lease, learntTags: [], bytes, timeToLiveMillis }])
          hold({ key, shape, ticket: { place, id }, expiresAtMillis })
          if (stale) yield* memory.expire({ keys: [{ key, shapes: [] }], tags: [] })
        })
      )

    const keep = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const values: Array<keptValues.Kept> = []
      for (const { expiresAtMillis, key, shape, ticket } of held.values()) {
        const [answer] = yield* memory.read([{ key, shape, tags: [] }])
        const { epochs, found } = answer!
        if (found._tag !== "Stored" || now >= expiresAtMillis || decoder.decode(found.bytes) !== textOf(ticket))
          continue
        const standing = Epoch.standing(found.stamps, epochs)
        if (standing === "Invalid") continue
        const tags = found.stamps.tags.map(([tag]) => tag)
        values.push({ key, shape, tags, ...ticket, expiresAtMillis, stale: standing === "Expired" })
      }
      yield* keptValues.leave(store, prefix, values)
    })
    const end = keepAcrossRestarts
      ? Effect.catchAllCause(keep, () =>
          Effect.logWarning(`${storeName}: what it holds could not be kept for the next start`)
        )
      : shelf.clear

    const now = yield* Clock.currentTimeMillis
    const left = yield* keptValues.take(store, prefix)
    const kept = left.filter(({ expiresAtMillis, place }) => now < expiresAtMillis && place < maximum)
    const begins = keepAcrossRestarts ? kept : []
    yield* shelf.begin(begins.map(({ place }) => place))
    yield* restore(begins)
    yield* Effect.addFinalizer(() => end)
    // Begun last, so that it ends before the end.
    yield* Effect.forkScoped(sweeps)

    return {
      name: storeName,
      remote: true,
      read: (requests) =>
        Effect.flatMap(memory.read(requests), (answers) =>
          Effect.forEach(answers, (answer, i) => redeem(requests[i]!, answer), { concurrency: shelves.concurrency })
        ),
      lease: (requests) =>
        Effect.flatMap(memory.lease(requests), (answers) =>
          Effect.forEach(answers, (answer, i) => settleLease(requests[i]!, answer))
        ),
      fill,
      renew: memory.renew,
      release: memory.release,
      invalidate: (request) => Effect.tap(memory.invalidate(request), () => forgetFenced(request)),
      expire: (request) =>
        Effect.tap(memory.expire(request), () => {
          if (request.everything === true) forgetFenced(request)
        }),
      capture: memory.capture,
      commit
    }
  })
