import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as redisCommands from "../src/internal/redisCommands.js"
import { type Command, RedisClient, RedisError, type Reply } from "../src/RedisClient.js"
import * as RedisStore from "../src/RedisStore.js"

type Outcomes = ReadonlyArray<Either.Either<Reply, RedisError>>

/** A server of few words: it answers each round trip with the next of these. */
const answering = (...answers: ReadonlyArray<Outcomes>) => {
  const sent: Array<ReadonlyArray<Command>> = []
  const client: RedisClient["Type"] = {
    name: "redis",
    encoding: "text",
    cluster: false,
    send: (commands) => {
      sent.push(commands)
      return Effect.succeed(answers[sent.length - 1] ?? [])
    },
    publish: () => Effect.void,
    subscribe: () => Stream.never
  }
  return { sent, client, commands: redisCommands.make(client) }
}

const noScript = Either.left(new RedisError({ reason: "Rejected", code: "NOSCRIPT", detail: "No matching script" }))
const script = { source: "return 1", sha1: "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" }
const calls = ["a", "b", "c"].map((key) => ({ keys: [key], args: ["x"] }))

describe("redisCommands", () => {
  it.effect("a script is known by the SHA-1 of its source", () =>
    Effect.gen(function* () {
      expect(yield* redisCommands.script(script.source)).toEqual(script)
      const source = "return 'żółw'"
      const sha1 = createHash("sha1").update(source).digest("hex")
      expect((yield* redisCommands.script(source)).sha1).toBe(sha1)
    })
  )

  it.effect("only the runs that the server did not know are sent again, and the replies stay in order", () =>
    Effect.gen(function* () {
      const { commands, sent } = answering(
        [noScript, Either.right("B"), noScript],
        [Either.right("A"), Either.right("C")]
      )
      expect(yield* commands.run("lease", script, calls)).toEqual(["A", "B", "C"])
      expect(sent[0]!.map(([name, hash, count, key]) => [name, hash, count, key])).toEqual(
        ["a", "b", "c"].map((key) => ["EVALSHA", script.sha1, "1", key])
      )
      expect(sent[1]).toEqual([
        ["EVAL", script.source, "1", "a", "x"],
        ["EVAL", script.source, "1", "c", "x"]
      ])
    })
  )

  it.effect("a server that never learns the script is asked twice and no more", () =>
    Effect.gen(function* () {
      const { commands, sent } = answering([noScript], [noScript], [Either.right("A")])
      const error = yield* Effect.flip(commands.run("lease", script, calls.slice(0, 1)))
      expect(error).toMatchObject({ operation: "lease", reason: "Rejected", detail: "NOSCRIPT: No matching script" })
      expect(sent).toHaveLength(2)
    })
  )

  it.effect("another refusal is not sent again", () =>
    Effect.gen(function* () {
      const readOnly = Either.left(new RedisError({ reason: "Rejected", code: "READONLY", detail: "" }))
      const { commands, sent } = answering([Either.right("A"), readOnly, Either.right("C")])
      expect(yield* Effect.flip(commands.run("fill", script, calls))).toMatchObject({
        store: "redis",
        operation: "fill",
        reason: "Rejected",
        detail: "READONLY"
      })
      expect(sent).toHaveLength(1)
    })
  )

  it.effect("where each run has its own outcome, a refusal is that of its run alone", () =>
    Effect.gen(function* () {
      const tooBig = Either.left(new RedisError({ reason: "Rejected", code: "ERR", detail: "too big" }))
      const { commands } = answering([Either.right("A"), tooBig, noScript], [Either.right("C")])
      const outcomes = yield* commands.runEach("fill", script, calls)
      expect(outcomes.map(Either.merge)).toMatchObject(["A", { operation: "fill", detail: "ERR: too big" }, "C"])
    })
  )

  it.effect("too few or too many replies are a bad reply, for nobody knows whose they are", () =>
    Effect.gen(function* () {
      for (const replies of [[], [Either.right("A")], Array(4).fill(Either.right("A"))] as ReadonlyArray<Outcomes>) {
        const error = yield* Effect.flip(answering(replies).commands.run("fill", script, calls))
        expect(error.reason).toBe("BadReply")
      }
      for (const reply of [null, "text", 1, ["only one"], ["a", "b", "c"]] as ReadonlyArray<Reply>) {
        const error = yield* Effect.flip(answering([Either.right(reply)]).commands.mget("read", ["a", "b"]))
        expect(error).toMatchObject({ operation: "read", reason: "BadReply" })
      }
    })
  )

  it.effect("a server that answers nonsense to a store is a bad reply in every operation", () =>
    Effect.gen(function* () {
      const stamps = { key: "e-0-x", tags: [] }
      const counter = { era: "e", n: 0 }
      const entry = { key: "k", shape: "s", stamps, counter }
      const lease = { ...entry, token: "t" }
      const content = { learntTags: [], bytes: new Uint8Array(), timeToLiveMillis: 1 }
      for (const nonsense of ["nonsense", null, 7, [], ["G", "nonsense"], ["S"], [[]]] as ReadonlyArray<Reply>) {
        const { client } = answering(...Array<Outcomes>(9).fill([Either.right(nonsense)]))
        const store = yield* Effect.provideService(RedisStore.make(), RedisClient, client)
        const asked = { key: "k", shape: "s", tags: [], leaseMillis: 1, retainMillis: 1 }
        const errors = yield* Effect.all([
          Effect.flip(store.lease([asked])),
          Effect.flip(store.fill([{ lease, ...content }])),
          Effect.flip(store.invalidate({ keys: [], tags: [] })),
          Effect.flip(store.expire({ keys: [], tags: [] })),
          Effect.flip(store.capture(asked)),
          Effect.flip(store.commit({ capture: entry, ...content }))
        ])
        for (const error of errors) expect(error).toMatchObject({ _tag: "StoreError", reason: "BadReply" })
        expect(yield* store.renew([lease], 1)).toEqual([false])
      }
    })
  )
})
