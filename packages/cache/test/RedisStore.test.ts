import { expect, it, layer as shared } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing"
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as StoreSuite from "@larder/testing/StoreSuite"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Epoch from "../src/Epoch.js"
import type * as RedisClient from "../src/RedisClient.js"
import * as RedisStore from "../src/RedisStore.js"
import * as Store from "../src/Store.js"
import * as ioredisClient from "./support/ioredisClient.js"

const over = <E>(server: Layer.Layer<RedisServer.RedisServer, E>, encoding: "text" | "bytes" = "bytes") =>
  RedisStore.layer.pipe(Layer.provideMerge(ioredisClient.layer(encoding)), Layer.provideMerge(server))

/** The names of all that would stay in Redis for ever. */
const immortal = Effect.flatMap(ioredisClient.Wire, ({ ask }) =>
  Effect.flatMap(ask("KEYS", "*"), (names) =>
    Effect.filter(names as ReadonlyArray<string>, (name) =>
      Effect.map(ask("PTTL", name), (millis) => Number(millis) === -1)
    )
  )
)

const suite = <E>(name: string, layer: Layer.Layer<Store.Store | ioredisClient.Wire | RedisClient.RedisClient, E>) =>
  StoreSuite.suite(name, layer, {
    advance: Effect.sleep,
    capabilities: {
      virtualTime: { lacking: "a server keeps its own time" },
      sharedFences: true,
      survivesRestart: true
    },
    another: RedisStore.layer,
    immortal
  })

const utf8 = (text: string) => new TextEncoder().encode(text)
const minute = 60_000

const reading = (key: string, tags: ReadonlyArray<string> = []): Store.ReadRequest => ({ key, shape: "s", tags })
const asking = (key: string, tags: ReadonlyArray<string> = []): Store.LeaseRequest => ({
  ...reading(key, tags),
  seen: "*",
  leaseMillis: 10_000,
  retainMillis: minute
})

const read = (key: string, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(Store.Store, (store) => Effect.map(store.read([reading(key, tags)]), (answers) => answers[0]!))
const verdict = (key: string, tags: ReadonlyArray<string> = []) =>
  Effect.map(read(key, tags), ({ epochs, found }) =>
    found._tag === "Stored" ? Epoch.standing(found.stamps, epochs) : found._tag
  )
const lease = (key: string, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.flatMap(store.lease([asking(key, tags)]), ([answer]) =>
      answer?._tag === "Granted" ? Effect.succeed(answer.lease) : Effect.dieMessage(`the lease is ${answer?._tag}`)
    )
  )
const fill = (
  lease: Store.Lease,
  { bytes = utf8("value"), learntTags = [] }: { bytes?: Uint8Array; learntTags?: ReadonlyArray<string> } = {}
) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.map(store.fill([{ lease, learntTags, bytes, timeToLiveMillis: minute }]), (outcomes) => outcomes[0])
  )
const put = (key: string, tags: ReadonlyArray<string> = [], learntTags: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const granted = yield* lease(key, tags)
    expect(yield* fill(granted, { learntTags })).toBe("Stored")
    return granted
  })
const invalidate = (keys: ReadonlyArray<string>, tags: ReadonlyArray<string> = []) =>
  Effect.flatMap(Store.Store, (store) => store.invalidate({ keys: keys.map((key) => ({ key, shapes: ["s"] })), tags }))

/** The names of the commands that an effect sends, by round trip. */
const commands = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const wire = yield* ioredisClient.Wire
    const before = wire.sent.length
    yield* effect
    return wire.sent.slice(before).map((trip) => trip.map(([name]) => name))
  })
const ask = (name: string, ...args: ReadonlyArray<string | Uint8Array>) =>
  Effect.flatMap(ioredisClient.Wire, (wire) => wire.ask(name, ...args))

describeWithRedis("RedisStore", () => {
  suite("redis, a client that speaks bytes", over(RedisServer.layer, "bytes"))
  suite("redis, a client that speaks text", over(RedisServer.layer, "text"))

  shared(over(RedisServer.layer), { excludeTestServices: true })("RedisStore / commands", (it) => {
    it.effect("a hit with declared tags is one command, for all keys of a turn together", () =>
      Effect.gen(function* () {
        const keys = ["hit1", "hit2", "hit3"]
        for (const key of keys) yield* put(key, [`${key}.tag`])
        const hits = Effect.forEach(keys, (key) => verdict(key, [`${key}.tag`]), { concurrency: "unbounded" })
        expect(yield* commands(hits)).toEqual([["MGET"]])
        expect(yield* hits).toEqual(["Current", "Current", "Current"])
      })
    )

    it.effect("a key that many fibers ask for in one turn is named once", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        yield* put("same", ["tag"])
        yield* Effect.all(
          Array.from({ length: 50 }, () => read("same", ["tag"])),
          { concurrency: "unbounded" }
        )
        expect(wire.sent.at(-1)).toEqual([
          ["MGET", "larder:{larder:}c", "larder:{same}:v:s", "larder:{same}:e", "larder:{larder:}t:tag"]
        ])
      })
    )

    it.effect("two fibers that read one value get bytes of their own", () =>
      Effect.gen(function* () {
        yield* put("own")
        const [one, two] = yield* Effect.all([read("own"), read("own")], { concurrency: "unbounded" })
        if (one.found._tag === "Stored") one.found.bytes.fill(0)
        expect(two.found).toMatchObject({ bytes: utf8("value") })
      })
    )

    it.effect("a hit with learnt tags is one command where it was stored, and elsewhere from the second on", () =>
      Effect.gen(function* () {
        yield* put("learnt", ["declared"], ["learnt"])
        expect(yield* commands(verdict("learnt", ["declared"]))).toEqual([["MGET"]])
        const there = Effect.provideService(verdict("learnt", ["declared"]), Store.Store, yield* RedisStore.make())
        expect(yield* commands(there)).toEqual([["MGET"], ["MGET"]])
        expect(yield* commands(there)).toEqual([["MGET"]])
        expect(yield* verdict("learnt", ["declared"])).toBe("Current")
        yield* invalidate([], ["learnt"])
        expect(yield* verdict("learnt", ["declared"])).toBe("Invalid")
        expect(yield* there).toBe("Invalid")
      })
    )

    it.effect("an entry whose learnt tags changed is judged by those it carries now", () =>
      Effect.gen(function* () {
        yield* put("changing", [], ["first"])
        yield* read("changing")
        yield* put("changing", [], ["second"])
        expect(yield* verdict("changing")).toBe("Current")
        expect(yield* commands(read("changing"))).toEqual([["MGET"]])
        yield* invalidate([], ["first"])
        expect(yield* verdict("changing")).toBe("Current")
        yield* invalidate([], ["second"])
        expect(yield* verdict("changing")).toBe("Invalid")
      })
    )

    it.effect("a cold miss is three commands, and so many for a list of keys", () =>
      Effect.gen(function* () {
        // The scripts are known to the server from here on.
        yield* put("warm")
        const miss = Effect.gen(function* () {
          const store = yield* Store.Store
          const keys = ["cold1", "cold2", "cold3"]
          yield* store.read(keys.map((key) => reading(key)))
          const leases = yield* store.lease(keys.map((key) => asking(key)))
          yield* store.fill(
            leases.flatMap((answer) =>
              answer._tag === "Granted"
                ? [{ lease: answer.lease, learntTags: [], bytes: utf8("v"), timeToLiveMillis: minute }]
                : []
            )
          )
        })
        expect(yield* commands(miss)).toEqual([["MGET"], Array(3).fill("EVALSHA"), Array(3).fill("EVALSHA")])
      })
    )

    it.effect("the refusal of one fiber's lease or fill is not its neighbour's in the turn", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const filling = (lease: Store.Lease) => ({ lease, learntTags: [], bytes: utf8("v"), timeToLiveMillis: minute })
        yield* ask("SET", "larder:{sick}:l:s", "of another type than a lease")
        const leases = [store.lease([asking("sick")]), store.lease([asking("sound")])]
        const [sick, sound] = yield* Effect.all(leases.map(Effect.either), { concurrency: "unbounded" })
        expect(sick).toMatchObject({ left: { reason: "Rejected", detail: "WRONGTYPE" } })
        expect(sound).toMatchObject({ right: [{ _tag: "Granted" }] })

        const [one, two] = [yield* lease("one"), yield* lease("two")]
        yield* ask("DEL", "larder:{one}:l:s")
        yield* ask("SET", "larder:{one}:l:s", "of another type than a lease")
        const fills = [store.fill([filling(one)]), store.fill([filling(two)])]
        const outcomes = yield* Effect.all(fills.map(Effect.either), { concurrency: "unbounded" })
        expect(outcomes).toMatchObject([{ left: { reason: "Rejected" } }, { right: ["Stored"] }])
      })
    )

    it.effect("an invalidation of many keys and tags is one command, a set two", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const set = Effect.gen(function* () {
          const capture = yield* store.capture({ key: "set", shape: "s", tags: [], retainMillis: minute })
          yield* store.commit({ capture, learntTags: [], bytes: utf8("v"), timeToLiveMillis: minute })
        })
        yield* set
        yield* invalidate([])
        expect(yield* commands(set)).toEqual([["EVALSHA"], ["EVALSHA"]])
        expect(yield* commands(invalidate(["a", "b", "c"], ["t", "u"]))).toEqual([["EVALSHA"]])
      })
    )

    it.effect("an empty list sends nothing", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const nothing = [store.read([]), store.lease([]), store.fill([]), store.renew([], 1_000), store.release([])]
        expect(yield* commands(Effect.all(nothing, { discard: true }))).toEqual([])
      })
    )

    it.effect("after a SCRIPT FLUSH every script is sent once more, whole, and works", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const flush = ask("SCRIPT", "FLUSH")
        const capture = yield* store.capture({ key: "flush", shape: "s", tags: [], retainMillis: minute })
        const again = [["EVALSHA"], ["EVAL"]]
        yield* flush
        expect(yield* commands(store.lease([asking("flush1")]))).toEqual(again)
        expect(yield* commands(store.lease([asking("flush2")]))).toEqual([["EVALSHA"]])
        const held = yield* lease("flush3")
        for (const use of [
          store.renew([held], minute),
          store.fill([{ lease: held, learntTags: [], bytes: utf8("v"), timeToLiveMillis: minute }]),
          store.release([held]),
          store.invalidate({ keys: [], tags: [] }),
          store.expire({ keys: [], tags: [] }),
          store.capture({ key: "flush", shape: "s", tags: [], retainMillis: minute }),
          store.commit({ capture, learntTags: [], bytes: utf8("v"), timeToLiveMillis: minute })
        ]) {
          yield* flush
          expect(yield* commands(use)).toEqual(again)
        }
      })
    )

    it.effect("the last reader to be interrupted interrupts the command", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        wire.hang = true
        const before = wire.interrupted
        const fibers = yield* Effect.all([Effect.fork(read("a")), Effect.fork(read("b"))])
        yield* Effect.sleep(5)
        yield* Fiber.interrupt(fibers[0])
        expect(wire.interrupted).toBe(before)
        yield* Fiber.interrupt(fibers[1])
        yield* Effect.repeat(Effect.yieldNow(), { until: () => wire.interrupted > before })
        wire.hang = false
        expect((yield* read("a")).found._tag).toBe("Absent")
      })
    )
  })

  shared(over(RedisServer.layer), { excludeTestServices: true })("RedisStore / what it leaves", (it) => {
    it.effect("stands under names and in a form that operators and older releases know", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const key = "V1.features.team.7.dark-mode"
        const { stamps, token } = yield* lease(key, ["team:7"]).pipe(
          Effect.tap((lease) => fill(lease, { bytes: utf8('{"żółw":true}'), learntTags: ["org 1"] }))
        )
        yield* store.lease([asking(key)])
        const names = (yield* ask("KEYS", "*")) as ReadonlyArray<string>
        expect(names.toSorted()).toEqual([
          `larder:{${key}}:e`,
          `larder:{${key}}:l:s`,
          `larder:{${key}}:v:s`,
          "larder:{larder:}c",
          "larder:{larder:}t:org 1",
          "larder:{larder:}t:team:7"
        ])
        const learnt = yield* ask("GET", "larder:{larder:}t:org 1")
        expect(yield* ask("GET", `larder:{${key}}:v:s`)).toBe(
          `L1u ${token} ${stamps.key} team%3A7=${stamps.tags[0]![1]},org%201=${learnt}\n{"żółw":true}`
        )
        expect(yield* ask("GET", "larder:{larder:}c")).toMatch(/^[0-9a-z]{21}-0$/)
        expect(token).toMatch(/^[0-9a-z]{21}-0-[0-9a-z]{16}$/)
      })
    )

    it.effect("a prefix of its own is a store of its own", () =>
      Effect.gen(function* () {
        const other = yield* RedisStore.make({ keyPrefix: "other:" })
        yield* put("mine")
        expect((yield* other.read([reading("mine")]))[0]!.found._tag).toBe("Absent")
        yield* other.invalidate({ keys: [{ key: "mine", shapes: ["s"] }], tags: [], everything: true })
        expect(yield* verdict("mine")).toBe("Current")
      })
    )

    it.effect("after a mixed workload no key is without a time to live", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        for (let round = 0; round < 5; round++) {
          for (let i = 0; i < 20; i++) {
            const [key, tags] = [`mixed${i}`, [`t${i % 3}`]]
            const capture = yield* store.capture({ key, shape: "s", tags, retainMillis: minute })
            yield* put(key, tags, [`u${i % 4}`])
            if (i % 4 === 0) yield* store.expire({ keys: [{ key, shapes: [] }], tags })
            if (i % 5 === 0) yield* invalidate([key], tags)
            if (i % 3 === 0) {
              yield* store.commit({ capture, learntTags: [`v${i}`], bytes: utf8("v"), timeToLiveMillis: minute })
            }
            if (i % 7 === 0) yield* store.renew([yield* lease(`leased${round}.${i}`)], 1_000)
          }
          yield* store.invalidate({ keys: [], tags: [], everything: round % 2 === 0 })
        }
        const names = (yield* ask("KEYS", "*")) as ReadonlyArray<string>
        expect(names.length).toBeGreaterThan(50)
        // One that has gone meanwhile had an end too.
        const lives = yield* Effect.forEach(names, (name) => Effect.map(ask("PTTL", name), (left) => [name, left]))
        expect(lives.filter(([, left]) => left === -1)).toEqual([])
      })
    )

    it.effect.each([Infinity, Number.MAX_VALUE, 90_000.7, 0.5, 0, -1, Number.NaN])(
      "a value that is to live %d milliseconds lives for the nearest time that Redis knows",
      (duration) =>
        Effect.gen(function* () {
          const store = yield* RedisStore.make({ keyPrefix: "durations:" })
          const long = Math.max(minute, duration) || minute
          const times = { leaseMillis: long, retainMillis: long }
          const [answer] = yield* store.lease([{ ...asking("k"), ...times }])
          if (answer?._tag !== "Granted") return yield* Effect.dieMessage("no lease")
          expect(yield* store.renew([answer.lease], long)).toEqual([true])
          const content = { learntTags: [], bytes: utf8("v"), timeToLiveMillis: duration }
          expect(yield* store.fill([{ lease: answer.lease, ...content }])).toEqual(["Stored"])
          const left = Number(yield* ask("PTTL", "durations:{k}:v:s"))
          if (duration > 1) expect(left).toBeGreaterThan(minute)
          else expect(left).toBeLessThanOrEqual(1)
        })
    )

    it.effect("the counter lives a month, or as long as the longest value", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const day = 86_400_000
        const life = Effect.map(ask("PTTL", "larder:{larder:}c"), (millis) => Math.ceil(Number(millis) / day))
        yield* put("counted")
        expect(yield* life).toBe(30)
        yield* store.capture({ key: "counted", shape: "s", tags: [], retainMillis: 90 * day })
        expect(yield* life).toBe(90)
        yield* invalidate(["counted"])
        expect(yield* life).toBe(90)
      })
    )

    it.effect.each(["text that is not ours", "", "L1u cut", "L1b id key \n!", "\u0000\u00ff"])(
      "a foreign value %j is malformed, is found by who did not see it, and can be replaced by who did",
      (foreign) =>
        Effect.gen(function* () {
          const store = yield* Store.Store
          const key = `foreign${foreign.length}`
          yield* ask("SET", `larder:{${key}}:v:s`, foreign)
          const { found } = yield* read(key)
          expect(found._tag).toBe("Malformed")
          const seen = found._tag === "Malformed" ? found.id : ""
          const [answer] = yield* store.lease([{ ...asking(key), seen }])
          expect(answer?._tag).toBe("Granted")
          if (answer?._tag === "Granted") yield* fill(answer.lease)
          expect(yield* verdict(key)).toBe("Current")
        })
    )

    it.effect("a lease that meets a foreign value it was not told of answers it as malformed", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        yield* ask("SET", "larder:{unseen}:v:s", "not ours")
        const [answer] = yield* store.lease([{ ...asking("unseen"), seen: undefined }])
        expect(answer).toMatchObject({ _tag: "Found", answer: { found: { _tag: "Malformed" } } })
      })
    )

    it.effect("a counter or an epoch that is not ours counts as lost", () =>
      Effect.gen(function* () {
        yield* put("damaged", ["damaged.tag"])
        yield* ask("SET", "larder:{larder:}t:damaged.tag", "nonsense")
        expect(yield* verdict("damaged", ["damaged.tag"])).toBe("Invalid")
        yield* put("damaged", ["damaged.tag"])
        expect(yield* verdict("damaged", ["damaged.tag"])).toBe("Current")
        yield* ask("SET", "larder:{larder:}c", "nonsense")
        expect(yield* verdict("damaged", ["damaged.tag"])).toBe("Invalid")
        yield* put("damaged", ["damaged.tag"])
        expect(yield* verdict("damaged", ["damaged.tag"])).toBe("Current")
      })
    )

    it.effect.each([
      "larder:{larder:}c",
      "larder:{lost}:e",
      "larder:{larder:}t:lost.tag",
      "larder:{larder:}t:lost.learnt"
    ])("the loss of %s is a miss, and the value does not return when it is made anew", (name) =>
      Effect.gen(function* () {
        yield* put("lost", ["lost.tag"], ["lost.learnt"])
        const other = yield* lease("lost.other", ["lost.tag"])
        expect(yield* verdict("lost", ["lost.tag"])).toBe("Current")
        yield* ask("DEL", name)
        expect(yield* verdict("lost", ["lost.tag"])).toBe("Invalid")
        yield* fill(other, { learntTags: ["lost.learnt"] })
        yield* lease("lost", ["lost.tag", "lost.learnt"])
        expect(yield* verdict("lost", ["lost.tag"])).toBe("Invalid")
        yield* invalidate(["lost", "lost.other"])
      })
    )

    it.effect("a value of another key under this one's name is a miss, and replaced", () =>
      Effect.gen(function* () {
        yield* put("theirs", ["common"])
        yield* put("ours", ["common"])
        expect(yield* ask("COPY", "larder:{theirs}:v:s", "larder:{ours}:v:s", "REPLACE")).toBe(1)
        expect(yield* verdict("ours", ["common"])).toBe("Invalid")
        yield* put("ours", ["common"])
        expect(yield* verdict("ours", ["common"])).toBe("Current")
        yield* invalidate(["theirs", "ours"])
      })
    )

    it.effect("a value that a client of bytes wrote raw is malformed for one of text, and text is common to both", () =>
      Effect.gen(function* () {
        yield* lease("raw").pipe(Effect.flatMap((lease) => fill(lease, { bytes: Uint8Array.of(255, 0) })))
        yield* put("plain")
        const byText = ioredisClient.layer("text")
        const tags = yield* Effect.all([read("raw"), read("plain")]).pipe(
          Effect.provide(RedisStore.layer.pipe(Layer.provide(byText))),
          Effect.map((answers) => answers.map(({ found }) => found._tag))
        )
        expect(tags).toEqual(["Malformed", "Stored"])
      })
    )
  })

  shared(over(RedisServer.layer), { excludeTestServices: true })("RedisStore / commands executed twice", (it) => {
    it.effect("when every command is executed twice, fences hold and nothing comes back", () =>
      Effect.gen(function* () {
        const wire = yield* ioredisClient.Wire
        const store = yield* Store.Store
        wire.twice = true
        const held = yield* lease("twice", ["t"])
        yield* invalidate([], ["t"])
        expect(yield* fill(held)).toBe("Refused")
        yield* put("twice", ["t"])
        expect(yield* verdict("twice", ["t"])).toBe("Current")
        yield* store.expire({ keys: [], tags: ["t"] })
        expect(yield* verdict("twice", ["t"])).toBe("Expired")
        yield* invalidate(["twice"])
        expect(["Absent", "Invalid"]).toContain(yield* verdict("twice", ["t"]))
        // The second execution finds the first one's epoch instead of the captured one: a miss, never the value of before.
        const capture = yield* store.capture({ key: "twice", shape: "s", tags: ["t"], retainMillis: minute })
        yield* store.commit({ capture, learntTags: ["u"], bytes: utf8("v"), timeToLiveMillis: minute })
        expect(["Absent", "Invalid"]).toContain(yield* verdict("twice", ["t"]))
        yield* store.invalidate({ keys: [], tags: [], everything: true })
        yield* put("twice", ["t"])
        wire.twice = false
        expect(yield* verdict("twice", ["t"])).toBe("Current")
      })
    )

    it.effect("a lease, fill or commit that arrives again after an invalidation stores nothing", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        const wire = yield* ioredisClient.Wire
        const start = wire.sent.length
        yield* put("late", ["t"], ["u"])
        const capture = yield* store.capture({ key: "late", shape: "s", tags: ["t"], retainMillis: minute })
        yield* store.commit({ capture, learntTags: ["u"], bytes: utf8("v"), timeToLiveMillis: minute })
        const late = wire.sent.slice(start).flat()
        for (const fence of [invalidate(["late"]), invalidate([], ["t"]), invalidate([], ["u"])]) {
          yield* put("late", ["t"], ["u"])
          yield* fence
          for (const [name, ...args] of [...late, ...late]) {
            if (name !== "MGET")
              yield* ask(name, ...args.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg))))
          }
          expect(["Absent", "Invalid"]).toContain(yield* verdict("late", ["t"]))
          yield* invalidate(["late"])
        }
      })
    )
  })

  shared(over(RedisServer.layer), { excludeTestServices: true })("RedisStore / memory is full", (it) => {
    it.effect("an invalidation, an expiry and a commit fence all the same, and a commit stores nothing then", () =>
      Effect.gen(function* () {
        const store = yield* Store.Store
        yield* put("kept", ["kept.tag"])
        yield* put("set", ["set.tag"])
        const held = yield* lease("held")
        const capture = yield* store.capture({ key: "set", shape: "s", tags: [], retainMillis: minute })
        yield* ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
        yield* ask("CONFIG", "SET", "maxmemory", "1")

        const refusal = "redis: lease failed (Rejected): OOM"
        expect((yield* Effect.flip(store.lease([asking("refused")]))).message).toBe(refusal)
        expect((yield* Effect.flip(fill(held))).reason).toBe("Rejected")
        expect(yield* store.renew([held], minute), "a fill that met full memory gave its lease back").toEqual([false])

        const fence = yield* store.invalidate({ keys: [], tags: [] })
        expect(yield* verdict("kept", ["kept.tag"])).toBe("Current")
        const expired = yield* store.expire({ keys: [], tags: ["kept.tag"] })
        expect(expired.n).toBe(fence.n + 1)
        expect(yield* verdict("kept", ["kept.tag"])).toBe("Expired")
        yield* invalidate([], ["kept.tag"])
        expect(yield* verdict("kept", ["kept.tag"])).toBe("Invalid")
        yield* invalidate(["kept"])
        expect(yield* verdict("kept", ["kept.tag"])).toBe("Absent")

        const commit = { capture, learntTags: ["learnt"], bytes: utf8("v"), timeToLiveMillis: minute }
        expect((yield* store.commit(commit)).outcome).toBe("Refused")
        expect(["Absent", "Invalid"]).toContain(yield* verdict("set", ["set.tag"]))

        const anew = yield* store.invalidate({ keys: [], tags: [], everything: true })
        expect(anew.era).not.toBe(fence.era)
      })
    )
  })

  it.scopedLive("a server that is gone is unavailable, in every operation, and no message holds a key", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const store = yield* Store.Store
      const held = yield* lease("secret")
      const capture = yield* store.capture({ key: "secret", shape: "s", tags: ["secret"], retainMillis: minute })
      yield* server.stop
      const fence = { keys: [{ key: "secret", shapes: ["s"] }], tags: ["secret"] }
      const bytes = utf8("secret")
      const operations = {
        read: store.read([reading("secret")]),
        lease: store.lease([asking("secret")]),
        fill: store.fill([{ lease: held, learntTags: [], bytes, timeToLiveMillis: minute }]),
        renew: store.renew([held], minute),
        release: store.release([held]),
        invalidate: store.invalidate(fence),
        expire: store.expire(fence),
        capture: store.capture({ key: "secret", shape: "s", tags: [], retainMillis: minute }),
        commit: store.commit({ capture, learntTags: [], bytes, timeToLiveMillis: minute })
      }
      for (const [operation, effect] of Object.entries(operations)) {
        const error = yield* Effect.flip<unknown, { readonly message: string }, never>(effect)
        expect(error).toMatchObject({ _tag: "StoreError", store: "redis", operation, reason: "Unavailable" })
        expect(error.message).not.toContain("secret")
      }
    }).pipe(Effect.provide(over(RedisServer.layer)))
  )

  it.scopedLive("a server that was restarted has lost everything, and that is misses", () =>
    Effect.gen(function* () {
      const server = yield* RedisServer.RedisServer
      const held = yield* lease("held", ["t"])
      const { counter } = yield* put("restarted", ["t"])
      yield* server.stop
      yield* server.start
      yield* Effect.retry(ask("PING"), Schedule.spaced("10 millis"))
      expect((yield* read("restarted", ["t"])).epochs.counter).toBeUndefined()
      expect(yield* fill(held)).toBe("Refused")
      const again = yield* put("restarted", ["t"])
      expect(again.counter.era).not.toBe(counter.era)
      expect(yield* verdict("restarted", ["t"])).toBe("Current")
    }).pipe(Effect.provide(over(RedisServer.layer)))
  )
})
