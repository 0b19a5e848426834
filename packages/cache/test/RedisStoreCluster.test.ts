import { expect, layer as shared } from "@effect/vitest"
import * as RedisCluster from "@larder/redis-server/RedisCluster"
import { describeWithRedis } from "@larder/testing"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Epoch from "../src/Epoch.js"
import { RedisClient } from "../src/RedisClient.js"
import * as RedisStore from "../src/RedisStore.js"
import * as Store from "../src/Store.js"
import * as clusterClient from "./support/clusterClient.js"

const overCluster = RedisStore.layer.pipe(
  Layer.provideMerge(clusterClient.layer),
  Layer.provideMerge(RedisCluster.layer)
)

const utf8 = (text: string) => new TextEncoder().encode(text)
const minute = 60_000

const reading = (key: string, tags: ReadonlyArray<string> = []): Store.ReadRequest => ({ key, shape: "s", tags })
const asking = (key: string, tags: ReadonlyArray<string> = []): Store.LeaseRequest => ({
  ...reading(key, tags),
  seen: "*",
  leaseMillis: 10_000,
  retainMillis: minute
})
const content = { bytes: utf8("old"), timeToLiveMillis: minute }

const verdictOf = ({ epochs, found }: Store.ReadAnswer) =>
  found._tag === "Stored" ? Epoch.standing(found.stamps, epochs) : found._tag
const verdict = (key: string, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(Store.Store, (store) => Effect.map(store.read([reading(key, tags)]), ([answer]) => verdictOf(answer!)))
const lease = (key: string, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.flatMap(store.lease([asking(key, tags)]), ([answer]) =>
      answer?._tag === "Granted" ? Effect.succeed(answer.lease) : Effect.dieMessage(`the lease is ${answer?._tag}`)
    )
  )
const put = (key: string, tags: ReadonlyArray<string> = [], learntTags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const granted = yield* lease(key, tags)
    expect(yield* store.fill([{ lease: granted, learntTags, ...content }])).toEqual(["Stored"])
  })

/** The names of the commands that an effect sends, by round trip. */
const commands = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const wire = yield* clusterClient.Wire
    const before = wire.sent.length
    yield* effect
    return wire.sent.slice(before).map((trip) => trip.map(([name]) => name))
  })

/**
 * Runs an operation, and something of another instance's before each of its round trips in turn and after the last:
 * as often as it has round trips, and once more.
 */
const atEachBoundary = <A, E, E2, E3, R>(
  operation: (round: number) => Effect.Effect<A, E, R>,
  other: (round: number) => Effect.Effect<unknown, E2>,
  check: (round: number) => Effect.Effect<unknown, E3, R>
) =>
  Effect.gen(function* () {
    const wire = yield* clusterClient.Wire
    let met = true
    for (let round = 0; met; round++) {
      wire.trips = 0
      met = false
      wire.before = (trip) => {
        if (trip !== round || met) return Effect.void
        met = true
        wire.before = () => Effect.void
        return Effect.orDie(Effect.asVoid(other(round)))
      }
      yield* operation(round)
      wire.before = () => Effect.void
      if (!met) yield* other(round)
      yield* check(round)
    }
  })

describeWithRedis("RedisStore on a cluster", () => {
  StoreSuite.suite("redis, a cluster of three nodes", overCluster, {
    advance: Effect.sleep,
    capabilities: { virtualTime: { lacking: "a server keeps its own time" }, sharedFences: true },
    another: RedisStore.layer
  })

  shared(overCluster, { excludeTestServices: true })("RedisStore on a cluster / commands", (it) => {
    it.effect(
      "the values of a turn are read first, each with its key's epoch, then the tags and the counter at once",
      () =>
        Effect.gen(function* () {
          const wire = yield* clusterClient.Wire
          yield* Effect.forEach(["r1", "r2", "r3"], (key) => put(key, ["declared"], ["learnt"]))
          const reads = Effect.forEach(["r1", "r2", "r3"], (key) => verdict(key, ["declared"]), {
            concurrency: "unbounded"
          })
          expect(yield* commands(reads)).toEqual([["MGET", "MGET", "MGET"], ["MGET"]])
          expect(wire.sent.at(-2)?.[0]).toEqual(["MGET", "larder:{r1}:e", "larder:{r1}:v:s"])
          expect(wire.sent.at(-1)?.[0]).toEqual([
            "MGET",
            "larder:{larder:}c",
            "larder:{larder:}t:declared",
            "larder:{larder:}t:learnt"
          ])
          expect(yield* reads).toEqual(["Current", "Current", "Current"])
        })
    )

    it.effect("a cold miss of many keys is two round trips each of reading, leasing and filling", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        yield* put("warm1")
        yield* put("warm2")
        yield* put("warm3")
        const keys = ["warm1", "warm2", "warm3"]
        const miss = Effect.gen(function* () {
          yield* store.read(keys.map((key) => reading(key)))
          const leases = yield* store.lease(keys.map((key) => asking(key)))
          const fills = leases.flatMap((answer) => (answer._tag === "Granted" ? [answer.lease] : []))
          yield* store.fill(fills.map((lease) => ({ lease, learntTags: [], ...content })))
        })
        const evals = ["EVALSHA", "EVALSHA", "EVALSHA"]
        expect(yield* commands(miss)).toEqual([["MGET", "MGET", "MGET"], ["MGET"], evals, evals, evals, evals])
      })
    )

    it.effect("an invalidation deletes where each key lies before it tells the tags' node", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const names = ["i1", "i2"].map((key) => ({ key, shapes: ["s"] }))
        yield* store.invalidate({ keys: [], tags: [] })
        expect(yield* commands(store.invalidate({ keys: names, tags: ["t"] }))).toEqual([["DEL", "DEL"], ["EVALSHA"]])
        const [before] = yield* store.lease([asking("i1")])
        const { n } = yield* store.invalidate({ keys: names, tags: [] })
        expect(before).toMatchObject({ _tag: "Granted", lease: { counter: { n: n - 1 } } })
      })
    )

    it.effect("a node that has forgotten a script is told it once more, and the others are not", () =>
      Effect.gen(function* () {
        const { masters } = yield* RedisCluster.RedisCluster
        const keys = ["hello", "bar", "foo"] // one on each node
        expect(keys.map(clusterClient.slotOf)).toEqual([866, 5061, 12182])
        expect(masters[0]!.slots[1]).toBeLessThan(12182)
        yield* Effect.forEach(keys, (key) => put(key))
        yield* (yield* clusterClient.Wire).ask("SCRIPT", "FLUSH")
        yield* Effect.forEach(keys, (key) => put(key))
        expect(yield* Effect.forEach(keys, (key) => verdict(key))).toEqual(["Current", "Current", "Current"])
      })
    )
  })

  shared(overCluster, { excludeTestServices: true })("RedisStore on a cluster / fences between two halves", (it) => {
    const fences: ReadonlyArray<
      readonly [string, (store: Store.Store["Type"], key: string) => Effect.Effect<unknown, unknown>]
    > = [
      ["an invalidation of the key", (store, key) => store.invalidate({ keys: [{ key, shapes: ["s"] }], tags: [] })],
      ["an invalidation of a declared tag", (store) => store.invalidate({ keys: [], tags: ["declared"] })],
      ["an invalidation of a learnt tag", (store) => store.invalidate({ keys: [], tags: ["learnt"] })],
      ["an expiry of the key", (store, key) => store.expire({ keys: [{ key, shapes: ["s"] }], tags: [] })],
      ["an expiry of a declared tag", (store) => store.expire({ keys: [], tags: ["declared"] })],
      ["an expiry of a learnt tag", (store) => store.expire({ keys: [], tags: ["learnt"] })],
      ["a fence of everything", (store) => store.invalidate({ keys: [], tags: [], everything: true })],
      [
        "a set",
        (store, key) =>
          Effect.gen(function* () {
            const capture = yield* store.capture({ key, shape: "s", tags: ["declared"], retainMillis: minute })
            yield* store.commit({ capture, learntTags: [], bytes: utf8("new"), timeToLiveMillis: minute })
          })
      ]
    ]
    /** What lies there is not what the operation wrote before the fence. */
    const check = (key: string) =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const [answer] = yield* store.read([reading(key, ["declared"])])
        const text = answer!.found._tag === "Stored" ? new TextDecoder().decode(answer!.found.bytes) : ""
        if (text === "old") expect(["Invalid", "Expired"]).toContain(verdictOf(answer!))
        return text
      })

    for (const [name, fence] of fences) {
      it.effect(`${name} at any moment after a lease: what is filled is not current`, () =>
        Effect.gen(function* () {
          const store = yield* Store.Store
          const other = yield* RedisStore.make()
          const key = `fill.${name}`
          let held: Store.Lease | undefined
          yield* atEachBoundary(
            () =>
              Effect.gen(function* () {
                const [answer] = yield* store.lease([asking(key, ["declared"])])
                held = answer?._tag === "Granted" ? answer.lease : undefined
                if (held === undefined) return
                yield* store.fill([{ lease: held, learntTags: ["learnt"], ...content }])
              }),
            () => fence(other, key),
            // What falls before the lease is granted falls before the lookup begins.
            (round) => (round < 2 ? Effect.void : check(key))
          )
        })
      )

      it.effect(`${name} at any moment after a capture: what is committed is not current`, () =>
        Effect.gen(function* () {
          const store = yield* Store.Store
          const other = yield* RedisStore.make()
          const key = `commit.${name}`
          yield* atEachBoundary(
            () =>
              Effect.gen(function* () {
                const capture = yield* store.capture({ key, shape: "s", tags: ["declared"], retainMillis: minute })
                yield* store.commit({ capture, learntTags: ["learnt"], ...content })
              }),
            () => fence(other, key),
            (round) => (round < 2 ? Effect.void : check(key))
          )
        })
      )
    }

    it.effect("a value found by a lease is judged by tags that were read after it", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const other = yield* RedisStore.make()
        const wire = yield* clusterClient.Wire
        for (const moment of [0, 1, 2]) {
          yield* put("found", ["declared"])
          const first = wire.trips
          wire.before = (trip) => {
            if (trip !== first + moment) return Effect.void
            wire.before = () => Effect.void
            return Effect.orDie(Effect.asVoid(other.invalidate({ keys: [], tags: ["declared"] })))
          }
          const [answer] = yield* store.lease([{ ...asking("found", ["declared"]), seen: undefined }])
          expect(answer?._tag).toBe("Found")
          if (answer?._tag === "Found") expect([moment, verdictOf(answer.answer)]).toEqual([moment, "Invalid"])
        }
      })
    )
  })

  shared(overCluster, { excludeTestServices: true })("RedisStore on a cluster / a node that is gone", (it) => {
    it.effect("a value found that cannot be judged costs nobody else the lease that was granted beside it", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const wire = yield* clusterClient.Wire
        const { masters } = yield* RedisCluster.RedisCluster
        const tagSlot = clusterClient.slotOf("larder:{larder:}c")
        const judge = masters.find(({ slots }) => slots[0] <= tagSlot && tagSlot <= slots[1])!
        yield* put("stored", ["tag"])
        const first = wire.trips
        wire.before = (trip) => (trip === first + 2 ? judge.suspend : Effect.void)
        const asked = ["stored", "cold"].map((key) => store.lease([{ ...asking(key, ["tag"]), seen: undefined }]))
        const answers = yield* Effect.all(asked.map(Effect.either), { concurrency: "unbounded" })
        wire.before = () => Effect.void
        yield* judge.resume
        expect(answers).toMatchObject([{ _tag: "Left" }, { _tag: "Right", right: [{ _tag: "Granted" }] }])
      })
    )

    it.effect("costs its own keys: others of the same turn are answered, and a fence reaches whom it can", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const { masters, settled } = yield* RedisCluster.RedisCluster
        const tagSlot = clusterClient.slotOf("larder:{larder:}c")
        const onNode = (slot: number) => masters.findIndex(({ slots }) => slots[0] <= slot && slot <= slots[1])
        const keys = ["hello", "bar", "foo", "a", "b", "d", "e", "g"]
        const gone = (onNode(tagSlot) + 1) % masters.length
        const lost = keys.find((key) => onNode(clusterClient.slotOf(key)) === gone)!
        const left = keys.find((key) => onNode(clusterClient.slotOf(key)) === onNode(tagSlot))!
        yield* put(lost, ["tag"])
        yield* put(left, ["tag"])
        yield* masters[gone]!.suspend
        const both = yield* Effect.all([Effect.either(verdict(lost, ["tag"])), Effect.either(verdict(left, ["tag"]))], {
          concurrency: "unbounded"
        })
        expect(both).toMatchObject([{ _tag: "Left" }, { _tag: "Right", right: "Current" }])
        const fence = { keys: [lost, left].map((key) => ({ key, shapes: ["s"] })), tags: ["tag"] }
        expect(yield* Effect.either(store.invalidate(fence))).toMatchObject({ _tag: "Left" })
        expect(yield* verdict(left, ["tag"])).toBe("Absent")
        // Its tag was told, so the value that was out of reach will not be answered either.
        expect(yield* (yield* clusterClient.Wire).ask("EXISTS", "larder:{larder:}t:tag")).toBe(0)
        yield* masters[gone]!.resume
        yield* settled
        expect(["Absent", "Invalid"]).toContain(yield* verdict(lost, ["tag"]))
      })
    )
  })

  shared(overCluster, { excludeTestServices: true })("RedisStore on a cluster / what it leaves", (it) => {
    it.effect("no key is without a time to live", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const { masters } = yield* RedisCluster.RedisCluster
        const wire = yield* clusterClient.Wire
        for (let i = 0; i < 30; i++) {
          const [key, tags] = [`mixed${i}`, [`t${i % 3}`]]
          const capture = yield* store.capture({ key, shape: "s", tags, retainMillis: minute })
          yield* put(key, tags, [`u${i % 4}`])
          if (i % 4 === 0) yield* store.expire({ keys: [{ key, shapes: [] }], tags })
          if (i % 5 === 0) yield* store.invalidate({ keys: [{ key, shapes: ["s"] }], tags })
          if (i % 3 === 0) yield* store.commit({ capture, learntTags: [`v${i}`], ...content })
          if (i % 7 === 0) yield* store.renew([yield* lease(`leased${i}`)], 1_000)
        }
        const names = new Set(
          wire.sent.flat().flatMap((command) => command.filter((part) => String(part).startsWith("larder:{")))
        )
        expect(names.size).toBeGreaterThan(60)
        expect(masters).toHaveLength(3)
        for (const name of names) {
          expect([name, yield* wire.ask("PTTL", String(name))]).not.toEqual([name, -1])
        }
      })
    )
  })

  shared(overCluster, { excludeTestServices: true })("RedisStore on a cluster / the client", (it) => {
    it.effect("says that it speaks to a cluster", () =>
      Effect.map(RedisClient, ({ cluster }) => expect(cluster).toBe(true))
    )
  })
})
