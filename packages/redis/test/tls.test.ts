import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { IoredisClient } from "../src/index.js"
import * as Certificates from "./support/certificates.js"
import { freePort } from "./support/sentinel.js"
import { by, run, until } from "./support/support.js"

const serverWith = (clients: "yes" | "no") =>
  Effect.gen(function* () {
    const { args, ca, client } = yield* Certificates.make
    const port = yield* freePort
    yield* RedisServer.make({ args: ["--tls-port", String(port), "--tls-auth-clients", clients, ...args] })
    return { url: `rediss://127.0.0.1:${port}`, port, ca, client }
  })

const reason = (options: IoredisClient.Options) =>
  Effect.flatMap(IoredisClient.make(options), (redis) =>
    Effect.map(Effect.flip(by(redis, run("PING"))), ({ message }) => message)
  )

describeWithRedis("TLS", () => {
  it.scopedLive("commands and subscriptions are encrypted, with the authority that is given", () =>
    Effect.gen(function* () {
      const { ca, url } = yield* serverWith("no")
      const redis = yield* IoredisClient.make({ url, tls: { ca } })
      expect(yield* by(redis, run("PING"))).toBe("PONG")
      const heard = yield* Effect.fork(Stream.runHead(redis.subscribe("news")))
      yield* until(by(redis, run("PUBLISH", "news", "x")), (listeners) => listeners === 1)
      expect(yield* Fiber.join(heard)).toEqual(Option.some("x"))
    })
  )

  it.scopedLive("a certificate of an unknown authority, or of another host, is not accepted", () =>
    Effect.gen(function* () {
      const { ca, port, url } = yield* serverWith("no")
      expect(yield* reason({ url })).toMatch(
        /^Unavailable: no connection to 127\.0\.0\.1:\d+ \([A-Z_]*(SELF_SIGNED|UNABLE_TO_)[A-Z_]*\)$/
      )
      const other = { url: `rediss://localhost:${port}`, tls: { ca, family: 4 } }
      expect(yield* reason(other)).toBe(
        `Unavailable: no connection to localhost:${port} (ERR_TLS_CERT_ALTNAME_INVALID)`
      )
    })
  )

  it.scopedLive("a server that asks for a certificate gets one", () =>
    Effect.gen(function* () {
      const { ca, client, url } = yield* serverWith("yes")
      const redis = yield* IoredisClient.make({ url, tls: { ca, ...client } })
      expect(yield* by(redis, run("PING"))).toBe("PONG")
      expect(yield* reason({ url, tls: { ca } })).toMatch(/^Unavailable: /)
    })
  )

  it.scopedLive("a server that speaks no TLS is a failure within the limit", () =>
    Effect.gen(function* () {
      const { port } = yield* RedisServer.make()
      expect(yield* reason({ host: "127.0.0.1", port, tls: true, connectTimeout: 300 })).toMatch(
        /^Unavailable: no connection/
      )
    })
  )
})
