/**
 * The store in memory. Every operation is one synchronous function, and so atomic without locks; it is the plainest
 * statement of what a store does, which the scripts of `RedisStore` say again in Lua.
 *
 * A key is one record: its epoch, and a value and a lease for each shape. Evicting a record loses its epoch together
 * with its values; evicting a tag's epoch makes every value that carries it a miss. Both are losses, and safe: an
 * epoch made anew has a nonce that no value carries. Values die at their expiry, whoever looks; epochs only by
 * eviction.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Epoch from "../Epoch.js"
import type {
  Capture,
  CaptureRequest,
  CommitRequest,
  FenceRequest,
  FillRequest,
  Found,
  Lease,
  LeaseAnswer,
  LeaseRequest,
  MemoryOptions,
  Outcome,
  ReadAnswer,
  ReadRequest,
  Store
} from "../Store.js"
import * as Lru from "./lru.js"
import * as token from "./token.js"

type Service = Context.Tag.Service<Store>

interface Value {
  readonly id: string
  readonly bytes: Uint8Array
  readonly stamps: Epoch.Stamps
  readonly expiresAtMillis: number
}

interface HeldLease {
  readonly token: string
  readonly stamps: Epoch.Stamps
  expiresAtMillis: number
}

interface Entry {
  epoch: Epoch.Epoch | undefined
  readonly values: Map<string, Value>
  readonly leases: Map<string, HeldLease>
}

const absent: Found = { _tag: "Absent" }
const noTags: ReadonlyMap<string, Epoch.Epoch> = new Map()
const busy: LeaseAnswer = { _tag: "Busy" }

/** A fence on a key is one on the tag of its name, which values carry that were computed from the key's. */
const tagsOf = ({ keys, tags }: FenceRequest): ReadonlyArray<string> => [...tags, ...keys.map(({ key }) => key)]

/** By the constructor and not by `slice`, which Node's `Buffer` overrides with one that shares its memory. */
const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

/** One step of the fiber, with the time of its clock. */
const atomically = <A>(operation: (nowMillis: number) => A): Effect.Effect<A> =>
  Effect.withFiberRuntime((fiber) =>
    Effect.succeed(operation(Context.get(fiber.currentDefaultServices, Clock.Clock).unsafeCurrentTimeMillis()))
  )

export const make = (options: MemoryOptions): Effect.Effect<Service> =>
  Effect.sync(() => {
    const maximum = options.maximumKeys ?? 10_000
    const entries = Lru.make<Entry>(maximum)
    // Values usually share tags; where each has tags of its own, a few of them must fit beside it.
    const tagEpochs = Lru.make<Epoch.Epoch>(4 * maximum)
    let counter = token.freshCounter()

    const entryOf = (key: string): Entry => {
      let entry = entries.get(key)
      if (entry === undefined) {
        entry = { epoch: undefined, values: new Map(), leases: new Map() }
        entries.set(key, entry)
      }
      return entry
    }
    const valueOf = (entry: Entry | undefined, shape: string, now: number): Value | undefined => {
      const value = entry?.values.get(shape)
      if (value === undefined || now < value.expiresAtMillis) return value
      entry!.values.delete(shape)
      return undefined
    }

    // A new era begins with everything forgotten, so the epochs held here are always of the current one.
    const keyEpoch = (entry: Entry, nonce: string): Epoch.Epoch => (entry.epoch ??= token.make(counter, nonce))
    const tagEpoch = (tag: string, nonce: string): Epoch.Epoch => {
      let epoch = tagEpochs.get(tag)
      if (epoch === undefined) tagEpochs.set(tag, (epoch = token.make(counter, nonce)))
      return epoch
    }
    const stampsOf = (entry: Entry, tags: ReadonlyArray<string>, nonce: string): Epoch.Stamps => ({
      key: keyEpoch(entry, nonce),
      tags: [...new Set(tags)].map((tag) => [tag, tagEpoch(tag, nonce)] as const)
    })
    const unchanged = (entry: Entry | undefined, stamps: Epoch.Stamps): boolean =>
      entry !== undefined &&
      entry.epoch === stamps.key &&
      stamps.tags.every(([tag, epoch]) => tagEpochs.get(tag) === epoch)
    const standing = (entry: Entry | undefined, shape: string, now: number): HeldLease | undefined => {
      const held = entry?.leases.get(shape)
      return held !== undefined && now < held.expiresAtMillis && unchanged(entry, held.stamps) ? held : undefined
    }

    /**
     * The stamps of tags that were learnt after `since`, or `undefined` when one of them may have been fenced in
     * between. Missing ones are made in any case, so that the next lookup finds them. The known stamps are current, so
     * nothing here is of another era.
     */
    const learn = (known: Epoch.Stamps, learnt: ReadonlyArray<string>, since: Epoch.Counter, nonce: string) => {
      const moved = counter.n !== since.n
      const tags = [...known.tags]
      let refused = false
      for (const tag of new Set(learnt)) {
        if (known.tags.some(([name]) => name === tag)) continue
        const before = tagEpochs.get(tag)
        const epoch = before ?? tagEpoch(tag, nonce)
        refused ||= before === undefined ? moved : Epoch.changedAt(epoch).n > since.n
        tags.push([tag, epoch])
      }
      return refused ? undefined : tags
    }

    const answerOf = (entry: Entry | undefined, request: ReadRequest, now: number): ReadAnswer => {
      const value = valueOf(entry, request.shape, now)
      // Plain loops: this runs for every hit.
      let tags = noTags
      if (request.tags.length > 0 || (value !== undefined && value.stamps.tags.length > 0)) {
        const current = new Map<string, Epoch.Epoch>()
        for (const tag of request.tags) {
          const epoch = tagEpochs.get(tag)
          if (epoch !== undefined) current.set(tag, epoch)
        }
        if (value !== undefined) {
          for (const stamp of value.stamps.tags) {
            if (current.has(stamp[0])) continue
            const epoch = tagEpochs.get(stamp[0])
            if (epoch !== undefined) current.set(stamp[0], epoch)
          }
        }
        tags = current
      }
      return {
        found:
          value === undefined
            ? absent
            : { _tag: "Stored", id: value.id, bytes: copy(value.bytes), stamps: value.stamps },
        epochs: { counter, key: entry?.epoch, tags }
      }
    }

    const read = (requests: ReadonlyArray<ReadRequest>) =>
      atomically((now) => requests.map((request) => answerOf(entries.get(request.key), request, now)))

    const leaseOne = (request: LeaseRequest, now: number): LeaseAnswer => {
      const { key, shape, seen } = request
      const nonce = token.nonce()
      const entry = entryOf(key)
      const stamps = stampsOf(entry, request.tags, nonce)
      const value = valueOf(entry, shape, now)
      if (value !== undefined && seen !== "*" && value.id !== seen) {
        return { _tag: "Found", answer: answerOf(entry, request, now) }
      }
      const stands = standing(entry, shape, now)
      if (stands !== undefined) {
        if (request.shared !== true) return busy
        stands.expiresAtMillis = Math.max(stands.expiresAtMillis, now + request.leaseMillis)
        return { _tag: "Granted", lease: { key, shape, token: stands.token, stamps, counter } }
      }
      const held = { token: token.make(counter, nonce), stamps, expiresAtMillis: now + request.leaseMillis }
      entry.leases.set(shape, held)
      return { _tag: "Granted", lease: { key, shape, token: held.token, stamps, counter } }
    }

    const fillOne = (request: FillRequest, now: number): Outcome => {
      const { key, shape, stamps } = request.lease
      const entry = entries.get(key)
      if (entry?.leases.get(shape)?.token !== request.lease.token) return "Refused"
      const stands = standing(entry, shape, now) !== undefined && unchanged(entry, stamps)
      entry.leases.delete(shape)
      const tags = stands ? learn(stamps, request.learntTags, request.lease.counter, token.nonce()) : undefined
      if (tags === undefined) return "Refused"
      const expiresAtMillis = now + request.timeToLiveMillis
      const bytes = copy(request.bytes)
      entry.values.set(shape, { id: request.lease.token, bytes, stamps: { key: stamps.key, tags }, expiresAtMillis })
      return "Stored"
    }

    const renewOne = (lease: Lease, leaseMillis: number, now: number): boolean => {
      const held = standing(entries.get(lease.key), lease.shape, now)
      if (held?.token !== lease.token) return false
      held.expiresAtMillis = now + leaseMillis
      return true
    }

    const releaseOne = (lease: Lease): void => {
      const leases = entries.get(lease.key)?.leases
      if (leases?.get(lease.shape)?.token === lease.token) leases.delete(lease.shape)
    }

    const raise = (): Epoch.Counter => (counter = { era: counter.era, n: counter.n + 1 })
    const forgetEverything = (): Epoch.Counter => {
      entries.clear()
      tagEpochs.clear()
      return (counter = token.freshCounter())
    }

    const invalidate = (request: FenceRequest): Epoch.Counter => {
      if (request.everything === true) return forgetEverything()
      for (const { key } of request.keys) entries.delete(key)
      for (const tag of tagsOf(request)) tagEpochs.delete(tag)
      return raise()
    }

    const expire = (request: FenceRequest): Epoch.Counter => {
      if (request.everything === true) return forgetEverything()
      const soft = token.make(raise(), token.nonce())
      for (const { key } of request.keys) {
        const entry = entries.get(key)
        if (entry?.epoch !== undefined) entry.epoch = `${Epoch.hard(entry.epoch)}.${soft}`
      }
      for (const tag of tagsOf(request)) {
        const epoch = tagEpochs.get(tag)
        if (epoch !== undefined) tagEpochs.set(tag, `${Epoch.hard(epoch)}.${soft}`)
      }
      return counter
    }

    const capture = ({ key, shape, tags }: CaptureRequest): Capture => ({
      key,
      shape,
      stamps: stampsOf(entryOf(key), tags, token.nonce()),
      counter
    })

    const commit = (request: CommitRequest, now: number) => {
      const { key, shape, stamps, counter: since } = request.capture
      const nonce = token.nonce()
      const stores = request.bytes !== undefined && counter.era === since.era && unchanged(entries.get(key), stamps)
      const tags = stores ? learn(stamps, request.learntTags, since, nonce) : undefined
      entries.delete(key)
      tagEpochs.delete(key)
      const id = token.make(raise(), nonce)
      if (tags === undefined) return { outcome: "Refused" as const, counter }
      const entry = entryOf(key)
      entry.epoch = id
      const expiresAtMillis = now + request.timeToLiveMillis
      entry.values.set(shape, { id, bytes: copy(request.bytes!), stamps: { key: id, tags }, expiresAtMillis })
      return { outcome: "Stored" as const, counter }
    }

    return {
      name: "memory",
      remote: false,
      read,
      lease: (requests) => atomically((now) => requests.map((request) => leaseOne(request, now))),
      fill: (requests) => atomically((now) => requests.map((request) => fillOne(request, now))),
      renew: (leases, leaseMillis) => atomically((now) => leases.map((lease) => renewOne(lease, leaseMillis, now))),
      release: (leases) => Effect.sync(() => leases.forEach(releaseOne)),
      invalidate: (request) => Effect.sync(() => invalidate(request)),
      expire: (request) => Effect.sync(() => expire(request)),
      capture: (request) => Effect.sync(() => capture(request)),
      commit: (request) => atomically((now) => commit(request, now))
    }
  })

const nothing: ReadAnswer = { found: absent, epochs: { counter: undefined, key: undefined, tags: noTags } }
const nowhere: Epoch.Counter = { era: "none", n: 0 }
const throwaway = (tags: ReadonlyArray<string>): Epoch.Stamps => {
  const epoch = token.make(nowhere, token.nonce())
  return { key: epoch, tags: tags.map((tag) => [tag, epoch] as const) }
}

export const noop: Service = {
  name: "noop",
  remote: false,
  read: (requests) => Effect.sync(() => requests.map(() => nothing)),
  lease: (requests) =>
    Effect.sync(() =>
      requests.map(({ key, shape, tags }) => {
        const stamps = throwaway(tags)
        return { _tag: "Granted", lease: { key, shape, token: stamps.key, stamps, counter: nowhere } }
      })
    ),
  fill: (requests) => Effect.sync(() => requests.map(() => "Refused")),
  renew: (leases) => Effect.sync(() => leases.map(() => true)),
  release: () => Effect.void,
  invalidate: () => Effect.succeed(nowhere),
  expire: () => Effect.succeed(nowhere),
  capture: ({ key, shape, tags }) => Effect.sync(() => ({ key, shape, stamps: throwaway(tags), counter: nowhere })),
  commit: () => Effect.succeed({ outcome: "Refused", counter: nowhere })
}
