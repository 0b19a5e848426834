import { expect, layer } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestContext from "effect/TestContext"
import * as Tracer from "effect/Tracer"
import { Fault, UpstashLocal } from "../src/index.js"
import { ask, command, post, under, until } from "./support/support.js"

const withServer = layer(UpstashLocal.layerWithRedis(), { excludeTestServices: true })

describeWithRedis("UpstashLocal / commands", () => {
  withServer((it) => {
    it.effect("a command in the body answers its result, an error of Redis is a 400", () =>
      Effect.gen(function* () {
        expect(yield* command("SET", "greeting", "hello")).toEqual({ result: "OK" })
        expect(yield* command("GET", "greeting")).toEqual({ result: "hello" })
        expect(yield* command("GET", "nobody")).toEqual({ result: null })
        const wrong = yield* post("/", ["LPUSH", "greeting", "x"])
        expect(wrong.status).toBe(400)
        expect(wrong.body).toEqual({ error: "WRONGTYPE Operation against a key holding the wrong kind of value" })
      })
    )

    it.effect("HGETALL answers the flat array of Redis, in either case", () =>
      Effect.gen(function* () {
        yield* command("HSET", "h", "a", 1, "b", 2)
        expect(yield* command("HGETALL", "h")).toEqual({ result: ["a", "1", "b", "2"] })
        expect(yield* command("hgetall", "h")).toEqual({ result: ["a", "1", "b", "2"] })
      })
    )

    it.effect("strings that look like JSON stay strings", () =>
      Effect.gen(function* () {
        for (const text of ["123", "true", "null", "{}", "[1]", '"x"', "", " ", "é漢🦊", "a,b\nc"]) {
          yield* command("SET", "text", text)
          expect(yield* command("GET", "text")).toEqual({ result: text })
        }
      })
    )

    it.effect("a path is a command; a body is its next argument; query parameters come last", () =>
      Effect.gen(function* () {
        yield* ask("/set/path%2Fkey/v%20alue/EX/100")
        expect((yield* ask("/get/path%2Fkey")).body).toEqual({ result: "v alue" })
        yield* post("/set/body?EX=100", { a: 1 })
        expect((yield* ask("/get/body")).body).toEqual({ result: '{"a":1}' })
        expect((yield* ask("/ttl/body")).body).toEqual({ result: 100 })
        const long = "x".repeat(5_000)
        yield* ask(`/set/long/${long}`)
        expect((yield* ask("/get/long")).body).toEqual({ result: long })
      })
    )

    it.effect("a body of a path command may be any bytes", () =>
      Effect.gen(function* () {
        const { token } = yield* UpstashLocal.UpstashLocal
        const authorization = `Bearer ${Redacted.value(token)}`
        const bytes = Buffer.from([0, 255, 128, 10])
        yield* ask("/set/bytes", { method: "POST", body: bytes, headers: { authorization } })
        expect(yield* command("STRLEN", "bytes")).toEqual({ result: 4 })
        const read = yield* post("/", ["GET", "bytes"], { "upstash-encoding": "base64" })
        expect(read.body).toEqual({ result: bytes.toString("base64") })
      })
    )

    it.effect("base64 encodes every string but OK", () =>
      Effect.gen(function* () {
        const encoded = { "Upstash-Encoding": "base64" }
        expect((yield* post("/", ["SET", "k", "é"], encoded)).body).toEqual({ result: "OK" })
        const many = [["GET", "k"], ["MGET", "k", "none"], ["STRLEN", "k"], ["NOPE"]]
        expect((yield* post("/pipeline", many, encoded)).body).toEqual([
          { result: "w6k=" },
          { result: ["w6k=", null] },
          { result: 2 },
          { error: expect.stringContaining("not available: 'NOPE'") }
        ])
      })
    )

    it.effect("each command of a pipeline has its own outcome, in order", () =>
      Effect.gen(function* () {
        const commands = [
          ["SET", "p", "1"],
          ["LPUSH", "p", "x"],
          ["BLPOP", "p", "0"],
          ["INCR", "p"]
        ]
        expect((yield* post("/pipeline", commands)).body).toEqual([
          { result: "OK" },
          { error: expect.stringMatching(/^WRONGTYPE/) },
          { error: expect.stringMatching(/^ERR Command is not available: 'BLPOP'/) },
          { result: 2 }
        ])
      })
    )

    it.effect("a transaction happens as a whole or not at all", () =>
      Effect.gen(function* () {
        const done = yield* post("/multi-exec", [
          ["SET", "t", "1"],
          ["LPUSH", "t", "x"],
          ["INCR", "t"]
        ])
        expect(done.body).toEqual([{ result: "OK" }, { error: expect.stringMatching(/^WRONGTYPE/) }, { result: 2 }])
        const discarded = yield* post("/multi-exec", [["SET", "t", "9"], ["GET"]])
        expect(discarded.status).toBe(400)
        expect(discarded.body).toEqual({ error: expect.stringMatching(/^EXECABORT/) })
        const refused = yield* post("/multi-exec", [["SET", "t", "9"], ["NOPE"]])
        expect(refused.status).toBe(400)
        expect(refused.body).toEqual({ error: expect.stringMatching(/^ERR Command is not available/) })
        expect(yield* command("GET", "t")).toEqual({ result: "2" })
      })
    )

    it.effect("each transaction has a connection of its own", () =>
      Effect.gen(function* () {
        const id = Effect.map(post("/multi-exec", [["CLIENT", "ID"]]), ({ body }) => JSON.stringify(body))
        const shared = JSON.stringify([yield* command("CLIENT", "ID")])
        expect(new Set([shared, yield* id, yield* id]).size).toBe(3)
      })
    )

    it.effect("transactions of concurrent requests do not mix", () =>
      Effect.gen(function* () {
        const one = post(
          "/multi-exec",
          Array.from({ length: 50 }, () => ["INCR", "mixed"])
        )
        const answers = yield* Effect.all(
          Array.from({ length: 8 }, () => one),
          { concurrency: "unbounded" }
        )
        for (const { body } of answers) {
          const numbers = (body as ReadonlyArray<{ readonly result: number }>).map(({ result }) => result)
          expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => numbers[0]! + index))
        }
      })
    )

    it.effect("what would change or block the shared connection is refused", () =>
      Effect.gen(function* () {
        const refused = [
          ["SUBSCRIBE", "c"],
          ["select", 1],
          ["MULTI"],
          ["CLIENT", "reply", "off"],
          ["CLIENT", "SETNAME", "n"],
          ["XREAD", "block", 0]
        ]
        for (const one of refused) {
          expect(yield* command(...one)).toEqual({ error: expect.stringContaining("not available") })
        }
        expect(yield* command("CLIENT", "ID")).toEqual({ result: expect.any(Number) })
      })
    )

    it.effect("what belongs to whoever runs the server is refused, but for what Upstash has of it", () =>
      Effect.gen(function* () {
        const unavailable = (name: string) => ({
          error: `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`
        })
        expect(yield* command("debug", "sleep", 0)).toEqual(unavailable("DEBUG"))
        expect(yield* command("SHUTDOWN")).toEqual(unavailable("SHUTDOWN"))
        expect(yield* command("REPLICAOF", "no", "one")).toEqual(unavailable("REPLICAOF"))
        expect(yield* command("config", "resetstat")).toEqual(unavailable("CONFIG RESETSTAT"))
        expect(yield* command("CONFIG", "GET", "port")).toEqual({ result: ["port", expect.any(String)] })
        expect(yield* command("ACL", "WHOAMI")).toEqual({ result: "default" })
      })
    )

    it.effect("what the redis-server does not know is not available, in the words of Upstash", () =>
      Effect.gen(function* () {
        const answer = yield* post("/", ["json.set", "k", "$", "1"])
        expect(answer.status).toBe(400)
        expect(answer.body).toEqual({ error: expect.stringContaining("ERR Command is not available: 'JSON.SET'. See") })
        expect(yield* command("XGROUP", "NOPE")).toEqual({ error: expect.stringMatching(/^ERR unknown subcommand/) })
      })
    )

    it.effect("every answer carries another sync token", () =>
      Effect.gen(function* () {
        const tokens = [yield* ask("/ping"), yield* ask("/ping")].map(({ headers }) =>
          headers.get("upstash-sync-token")
        )
        expect(tokens[0]).toMatch(/\S/)
        expect(tokens[0]).not.toBe(tokens[1])
      })
    )
  })
})

describeWithRedis("UpstashLocal / bad input", () => {
  layer(UpstashLocal.layerWithRedis({ maximumBytes: 1_000 }), { excludeTestServices: true })((it) => {
    it.effect("no route answers without the token", () =>
      Effect.gen(function* () {
        const paths = ["/", "/pipeline", "/multi-exec", "/get/k", "/subscribe/c", "/anything", "/%ff"]
        const { token } = yield* UpstashLocal.UpstashLocal
        const right = Redacted.value(token)
        for (const path of paths) {
          for (const authorization of ["", "Bearer ", "Bearer wrong", `Bearer ${right}x`, right, `Digest ${right}`]) {
            const answer = yield* ask(path, { method: "POST", body: '[["PING"]]', headers: { authorization } })
            expect([path, authorization, answer.status]).toEqual([path, authorization, 401])
          }
          expect((yield* ask(`${path}?_token=wrong`, { headers: {} })).status).toBe(401)
        }
        expect((yield* ask(`/ping?_token=${right}`, { headers: {} })).body).toEqual({ result: "PONG" })
      })
    )

    it.effect("a body that is no command is a 400 with an error", () =>
      Effect.gen(function* () {
        for (const body of [null, {}, "GET", [], [""], [["GET"]], ["GET", null], ["GET", {}], 1]) {
          const answer = yield* post("/", body)
          expect([answer.status, answer.body]).toEqual([400, { error: expect.stringMatching(/^ERR /) }])
        }
        for (const body of [null, {}, [], ["GET", "k"], [["GET", "k"], []]]) {
          for (const path of ["/pipeline", "/multi-exec"]) {
            const answer = yield* post(path, body)
            expect([answer.status, answer.body]).toEqual([400, { error: expect.stringMatching(/^ERR /) }])
          }
        }
        expect((yield* ask("/get/%ff")).status).toBe(400)
      })
    )

    it.effect("only GET, HEAD, POST and PUT are methods, and what needs a body needs POST or PUT", () =>
      Effect.gen(function* () {
        for (const method of ["DELETE", "PATCH", "OPTIONS"]) {
          expect((yield* ask("/get/k", { method })).status).toBe(405)
        }
        for (const path of ["/", "/pipeline", "/multi-exec"]) expect((yield* ask(path)).status).toBe(405)
        expect((yield* ask("/get/k", { method: "HEAD" })).status).toBe(200)
        expect((yield* ask("/", { method: "PUT", body: '["PING"]' })).body).toEqual({ result: "PONG" })
      })
    )

    it.effect("a request over the limit is refused and not carried out", () =>
      Effect.gen(function* () {
        const size = (text: string) => Buffer.byteLength(JSON.stringify(["SET", "big", text]))
        const fits = "x".repeat(1_000 - size(""))
        expect((yield* post("/", ["SET", "big", fits])).status).toBe(200)
        expect((yield* post("/", ["SET", "big", `${fits}x`])).status).toBe(413)
        expect((yield* post("/", ["SET", "big", "x".repeat(3_000_000)])).body).toEqual({
          error: expect.stringMatching(/^ERR max request size exceeded/)
        })
        expect(yield* command("STRLEN", "big")).toEqual({ result: fits.length })
      })
    )
  })
})

describeWithRedis("UpstashLocal / counts and faults", () => {
  withServer((it) => {
    it.effect("counts requests and commands since the last reset", () =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        yield* requests.reset
        yield* command("PING")
        yield* post("/pipeline", [["PING"], ["PING"], ["NOPE"]])
        yield* ask("/ping", { headers: {} })
        expect(yield* requests.counts).toEqual({ requests: 3, commands: 4, aborted: 0 })
      })
    )

    it.effect("a status and garbage answer for the server, which carries nothing out", () =>
      Effect.gen(function* () {
        yield* command("SET", "n", "0")
        const limited = yield* under(Fault.tooManyRequests, post("/", ["INCR", "n"]))
        expect([limited.status, limited.body]).toEqual([429, { error: expect.stringMatching(/^ERR max requests/) }])
        expect((yield* under(Fault.internalError, post("/", ["INCR", "n"]))).status).toBe(500)
        expect(yield* Effect.flip(under(Fault.garbage(), post("/", ["INCR", "n"])))).toBeInstanceOf(SyntaxError)
        expect(yield* command("GET", "n")).toEqual({ result: "0" })
      })
    )

    it.effect("a reset breaks the connection and is not counted as the client's abort", () =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        yield* requests.reset
        expect(yield* Effect.flip(under(Fault.reset, command("PING")))).toBeInstanceOf(TypeError)
        expect(yield* requests.counts).toEqual({ requests: 1, commands: 0, aborted: 0 })
        expect(yield* command("PING")).toEqual({ result: "PONG" })
      })
    )

    it.effect("a request that hangs is counted as aborted when the client gives up", () =>
      Effect.gen(function* () {
        const { requests } = yield* UpstashLocal.UpstashLocal
        yield* requests.reset
        const fiber = yield* Effect.fork(under(Fault.hang, command("PING")))
        yield* until(requests.counts, (counts) => counts.requests === 1)
        expect((yield* requests.counts).aborted).toBe(0)
        yield* Fiber.interrupt(fiber)
        yield* until(requests.counts, (counts) => counts.aborted === 1)
      })
    )

    it.effect("latency is waited for and the command then carried out", () =>
      Effect.gen(function* () {
        const before = performance.now()
        expect(yield* under(Fault.latency("60 millis"), command("PING"))).toEqual({ result: "PONG" })
        expect(performance.now() - before).toBeGreaterThanOrEqual(59)
      })
    )

    it.effect("under a virtual clock the server lives in real time", () =>
      Effect.gen(function* () {
        const local = yield* Effect.flatMap(RedisServer.RedisServer, ({ url }) => UpstashLocal.make({ redisUrl: url }))
        yield* local.faults.set(Fault.latency("5 millis"))
        const answer = Effect.provideService(command("PING"), UpstashLocal.UpstashLocal, local)
        expect(yield* answer).toEqual({ result: "PONG" })
      }).pipe(Effect.scoped, Effect.provide(TestContext.TestContext))
    )

    it.effect("its requests are no spans of the program that it runs in", () =>
      Effect.gen(function* () {
        const spans: Array<string> = []
        const tracer = yield* Effect.tracer
        const watching = Tracer.make({
          ...tracer,
          span: (name, ...others) => {
            spans.push(name)
            return tracer.span(name, ...others)
          }
        })
        yield* Effect.gen(function* () {
          const local = yield* Effect.flatMap(RedisServer.RedisServer, ({ url }) =>
            UpstashLocal.make({ redisUrl: url })
          )
          yield* Effect.provideService(command("PING"), UpstashLocal.UpstashLocal, local)
          yield* Effect.withSpan(Effect.void, "mine")
        }).pipe(Effect.scoped, Effect.withTracer(watching))
        expect(spans).toEqual(["mine"])
      })
    )

    it.effect("a redis-server that is away is a 500 without a code word; one that is back is found again", () =>
      Effect.gen(function* () {
        const redis = yield* RedisServer.RedisServer
        yield* redis.stop
        const away = yield* until(post("/", ["PING"]), ({ status }) => status !== 200)
        expect([away.status, away.body]).toEqual([500, { error: expect.stringMatching(/^the redis-server/) }])
        expect((yield* post("/multi-exec", [["PING"]])).status).toBe(500)
        expect((yield* ask("/subscribe/c")).status).toBe(500)
        yield* redis.start
        yield* until(post("/", ["PING"]), ({ status }) => status === 200)
      })
    )
  })
})
