/**
 * What the cases of the suite are written in: a store, names that no other case uses, and its operations for one key
 * with defaults, so that a case names only what it is about.
 */
import * as Epoch from "@larder/cache/Epoch"
import * as Store from "@larder/cache/Store"
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"

/** What a store may lack. */
export type Capability = "virtualTime" | "largeValues" | "sharedFences" | "survivesRestart" | "inspection"

type Service = Context.Tag.Service<Store.Store>

export interface Case {
  readonly name: string
  readonly capability?: Capability
  readonly run: Effect.Effect<void, unknown, Store.Store>
}

/** How a case lets time pass, in milliseconds. */
export class Advance extends Context.Reference<Advance>()("@larder/testing/StoreSuite/Advance", {
  defaultValue: () => (millis: number) => TestClock.adjust(millis) as Effect.Effect<void>
}) {}

/** How a case opens one more store over the same data. It ends with the scope. */
export class Another extends Context.Reference<Another>()("@larder/testing/StoreSuite/Another", {
  defaultValue: (): Effect.Effect<Service, unknown, Scope.Scope> =>
    Effect.dieMessage("this case opens a store a second time: provide StoreSuite.Another")
}) {}

/** How a case asks for the names of all that the store holds without an end. */
export class Immortal extends Context.Reference<Immortal>()("@larder/testing/StoreSuite/Immortal", {
  defaultValue: (): Effect.Effect<ReadonlyArray<string>, unknown> =>
    Effect.dieMessage("this case asks what the store holds: provide StoreSuite.Immortal")
}) {}

/** What a reader would make of an answer. */
export type Verdict = "Absent" | "Malformed" | Epoch.Standing

export const verdictOf = ({ found, epochs }: Store.ReadAnswer): Verdict =>
  found._tag === "Stored" ? Epoch.standing(found.stamps, epochs) : found._tag

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Entry {
  readonly key?: string
  readonly shape?: string
  readonly tags?: ReadonlyArray<string>
}
interface Asking extends Entry {
  readonly seen?: string
  readonly shared?: boolean
  readonly leaseMillis?: number
  readonly retainMillis?: number
}
interface Content {
  readonly bytes?: Uint8Array
  readonly learntTags?: ReadonlyArray<string>
  readonly timeToLiveMillis?: number
}
interface Fence {
  readonly keys?: ReadonlyArray<string>
  readonly shapes?: ReadonlyArray<string>
  readonly tags?: ReadonlyArray<string>
  readonly everything?: boolean
}

export const shape = "shape-1"
const long = 60_000

const over = (store: Service, advance: (millis: number) => Effect.Effect<void>, place: string) => {
  const name = (suffix: string) => `suite.${place}.${suffix}`
  const key = name("key")

  const reading = (entry: Entry): Store.ReadRequest => ({ key, shape, tags: [], ...entry })
  const asking = (entry: Asking): Store.LeaseRequest => ({
    ...reading({}),
    leaseMillis: long,
    retainMillis: long,
    ...entry
  })
  const filling = (lease: Store.Lease, content: Content = {}): Store.FillRequest => ({
    lease,
    learntTags: [],
    bytes: utf8("value"),
    timeToLiveMillis: long,
    ...content
  })
  const fence = ({ everything, keys = [], shapes = [shape], tags = [] }: Fence): Store.FenceRequest => ({
    keys: keys.map((key) => ({ key, shapes })),
    tags,
    ...(everything === undefined ? {} : { everything })
  })

  const read = (entry: Entry = {}) => Effect.map(store.read([reading(entry)]), (answers) => answers[0]!)
  const verdict = (entry: Entry = {}) => Effect.map(read(entry), verdictOf)
  const lease = (entry: Asking = {}) => Effect.map(store.lease([asking(entry)]), (answers) => answers[0]!)
  const granted = (entry: Asking = {}) =>
    Effect.map(lease(entry), (answer) => {
      if (answer._tag !== "Granted") expect.fail(`the lease should be granted, and is ${answer._tag}`)
      return answer.lease
    })
  const fill = (lease: Store.Lease, content: Content = {}) =>
    Effect.map(store.fill([filling(lease, content)]), (outcomes) => outcomes[0]!)
  /** Leases and fills, whatever is there. */
  const put = ({ bytes, learntTags, timeToLiveMillis, ...entry }: Asking & Content = {}) =>
    Effect.gen(function* () {
      const lease = yield* granted({ seen: "*", ...entry })
      const content = {
        bytes: bytes ?? utf8("value"),
        learntTags: learntTags ?? [],
        timeToLiveMillis: timeToLiveMillis ?? long
      }
      expect(yield* fill(lease, content)).toBe("Stored")
      return lease
    })
  const renew = (lease: Store.Lease, leaseMillis = long) =>
    Effect.map(store.renew([lease], leaseMillis), (answers) => answers[0]!)
  const capture = ({ key: name = key, retainMillis = long, shape: form = shape, tags = [] }: Asking = {}) =>
    store.capture({ key: name, shape: form, tags, retainMillis })
  const commit = (capture: Store.Capture, { bytes, learntTags = [], timeToLiveMillis = long }: Content = {}) =>
    store.commit({ capture, learntTags, timeToLiveMillis, bytes: bytes ?? utf8("set") })
  const gone = (entry: Entry = {}) =>
    Effect.map(verdict(entry), (answer) => expect(["Absent", "Invalid"]).toContain(answer))

  return {
    store,
    advance,
    name,
    key,
    reading,
    asking,
    filling,
    read,
    /** What a reader makes of the entry now. */
    verdict,
    /** Asserts that no reader answers the entry. */
    gone,
    lease,
    granted,
    fill,
    put,
    renew,
    release: (lease: Store.Lease) => store.release([lease]),
    invalidate: (request: Fence) => store.invalidate(fence(request)),
    expire: (request: Fence) => store.expire(fence(request)),
    capture,
    commit
  }
}

const make = Effect.gen(function* () {
  const advance = yield* Advance
  const another = yield* Another
  // A shared server keeps what earlier cases and earlier runs have left.
  const place = crypto.randomUUID()
  return {
    ...over(yield* Store.Store, advance, place),
    /** The same names in one more store over the same data. */
    another: Effect.map(another, (store) => over(store, advance, place)),
    immortal: yield* Immortal
  }
})

export type Subject = Effect.Effect.Success<typeof make>

/** A case: a sentence that can be false, and what shows it. */
export const test = (
  name: string,
  body: (subject: Subject) => Effect.Effect<unknown, unknown, Store.Store>,
  capability?: Capability
): Case => ({
  name,
  ...(capability === undefined ? {} : { capability }),
  run: Effect.asVoid(Effect.flatMap(make, body))
})
