import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { IoredisClient } from "../src/index.js"
import { by, eventually, run, until } from "./support/support.js"
import * as Sentinel from "./support/sentinel.js"

const secret = "sentinel-secret"

/** A primary and its replica, a sentinel that knows both, and a client that asks it. */
const scene = Effect.gen(function* () {
  const primary = yield* RedisServer.make({ args: ["--repl-diskless-sync-delay", "0"] })
  const replica = yield* RedisServer.make({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] })
  const direct = yield* IoredisClient.make({ url: replica.url })
  yield* until(by(direct, run("INFO", "replication")), (info) => String(info).includes("master_link_status:up"))
  const port = yield* Sentinel.start(primary.port, secret)
  const admin = yield* IoredisClient.make({ host: "127.0.0.1", port, password: Redacted.make(secret) })
  yield* until(
    eventually(by(admin, run("SENTINEL", "REPLICAS", Sentinel.name))),
    (list) => (list as ReadonlyArray<unknown>).length === 1
  )
  // The first of the two is not there.
  const nobody = yield* Sentinel.freePort
  const options = {
    sentinels: [
      { host: "127.0.0.1", port: nobody },
      { host: "127.0.0.1", port }
    ],
    masterName: Sentinel.name,
    sentinelPassword: Redacted.make(secret)
  }
  return { primary, replica, direct, admin, options }
})

describeWithRedis("sentinel", () => {
  it.scopedLive("the primary is found by its name, and after a failover the one that took over", () =>
    Effect.gen(function* () {
      const { options, primary, replica } = yield* scene
      const redis = yield* IoredisClient.make(options)
      const port = Effect.map(by(redis, run("CONFIG", "GET", "port")), (reply) => Number((reply as Array<string>)[1]))
      expect(yield* port).toBe(primary.port)
      const listener = yield* Effect.fork(Stream.runDrain(redis.subscribe("news")))
      yield* until(by(redis, run("PUBSUB", "NUMSUB", "news")), (reply) => (reply as ReadonlyArray<unknown>)[1] === 1)

      yield* primary.stop
      expect((yield* Effect.flip(Fiber.join(listener))).reason).toBe("Unavailable")
      expect(yield* eventually(by(redis, run("SET", "k", "v")))).toBe("OK")
      expect(yield* port).toBe(replica.port)
    })
  )

  it.scopedLive("a primary that is demoted while it lives is left for the next", () =>
    Effect.gen(function* () {
      const { admin, options, replica } = yield* scene
      const redis = yield* IoredisClient.make(options)
      yield* by(redis, run("SET", "k", "v"))
      // It takes its time until it trusts the replica.
      yield* eventually(by(admin, run("SENTINEL", "FAILOVER", Sentinel.name)))
      const port = Effect.map(by(redis, run("CONFIG", "GET", "port")), (reply) => Number((reply as Array<string>)[1]))
      // Sentinels turn a primary that lives into a replica some ten seconds after they have made another.
      yield* until(eventually(port), (at) => at === replica.port)
      expect(yield* eventually(by(redis, run("SET", "k", "w")))).toBe("OK")
    })
  )

  it.scopedLive("a replica that a sentinel names for a primary is not believed", () =>
    Effect.gen(function* () {
      const { options, primary, replica } = yield* scene
      const natMap = { [`127.0.0.1:${primary.port}`]: { host: "127.0.0.1", port: replica.port } }
      const redis = yield* IoredisClient.make({ ...options, natMap })
      const error = yield* Effect.flip(by(redis, run("GET", "k")))
      expect(error.message).toBe("Unavailable: the sentinel named a replica")
    })
  )

  it.scopedLive("a wrong password, and a name that no sentinel knows, are said", () =>
    Effect.gen(function* () {
      const { options } = yield* scene
      const reason = (changed: Partial<IoredisClient.Options>) =>
        Effect.flatMap(IoredisClient.make({ ...options, ...changed }), (redis) =>
          Effect.map(Effect.flip(by(redis, run("GET", "k"))), ({ message }) => message)
        )
      expect(yield* reason({ sentinelPassword: Redacted.make("other-secret") })).toBe(
        "Rejected: WRONGPASS: the server did not let us in"
      )
      expect(yield* reason({ masterName: "other" })).toBe(
        "Unavailable: the sentinel does not know the name of the primary"
      )
    })
  )
})
