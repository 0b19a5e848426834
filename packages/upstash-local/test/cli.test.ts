import { expect, it } from "@effect/vitest"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { Redis } from "@upstash/redis"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync } from "node:fs"
import * as Net from "node:net"
import { describe } from "vitest"
import { start } from "./support/program.js"
import { until } from "./support/support.js"

/** A client as programs have it. */
const client = ({ token, url }: { readonly url: string; readonly token: string }) => new Redis({ url, token })

const ask = <A>(promise: () => Promise<A>) => Effect.promise(promise)

/** The process behind a server. */
const behind = (redis: Redis) =>
  Effect.map(
    ask(() => redis.exec<string>(["INFO", "server"])),
    (info) => Number(/process_id:(\d+)/.exec(info)?.[1])
  )

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const gone = (pid: number) =>
  until(
    Effect.sync(() => alive(pid)),
    (lives) => !lives
  )

describe("upstash-local, the program", () => {
  it.scopedLive("--help prints every option and ends well", () =>
    Effect.gen(function* () {
      const { ended, printed } = yield* start(["--help"])
      expect(yield* ended).toBe(0)
      const names = ["port", "host", "token", "read-only-token", "redis-url", "help", "version"]
      for (const name of names) expect(printed.out).toContain(`  --${name} `.trimEnd())
      expect(printed.err).toBe("")
    })
  )

  it.scopedLive("--version prints the version of the package", () =>
    Effect.gen(function* () {
      const { ended, printed } = yield* start(["--version"])
      expect(yield* ended).toBe(0)
      const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8")
      expect(printed.out).toBe(`${JSON.parse(manifest).version}\n`)
    })
  )

  it.scopedLive("options that make no sense end it with 2, what is wrong, and what there is", () =>
    Effect.gen(function* () {
      const { ended, printed } = yield* start(["--port", "many"])
      expect(yield* ended).toBe(2)
      expect(printed.out).toBe("")
      expect(printed.err).toMatch(/^--port wants a whole number from 0 to 65535\n\nUsage: /)
    })
  )

  it.scopedLive("without a redis-server on the PATH it says how to get one", () =>
    Effect.gen(function* () {
      const { ended, printed } = yield* start(["--port", "0"], { PATH: "/nowhere" })
      expect(yield* ended).toBe(1)
      expect(printed.out).toBe("")
      expect(printed.err).toBe(
        `no redis-server on the PATH: ${RedisServer.installHint}. Or name a server that runs already with --redis-url\n`
      )
    })
  )

  it.scopedLive("a redis-server that is away is said, without its password", () =>
    Effect.gen(function* () {
      const { ended, printed } = yield* start(["--port", "0", "--redis-url", "redis://user:secret@127.0.0.1:1"])
      expect(yield* ended).toBe(1)
      expect(printed.err).toMatch(/^no redis-server answers at the address given: /)
      expect(printed.err).not.toContain("secret")
    })
  )
})

describeWithRedis("upstash-local, the program with a redis-server", () => {
  it.scopedLive("prints two variables and nothing else, and answers Upstash's client with them", () =>
    Effect.gen(function* () {
      const { printed, serving } = yield* start(["--port", "0"])
      const settings = yield* serving
      expect(settings.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(settings.token).toMatch(/^\S{24,}$/)
      const redis = client(settings)
      yield* ask(() => redis.set("greeting", { hello: "world" }, { ex: 60 }))
      expect(yield* ask(() => redis.get("greeting"))).toEqual({ hello: "world" })
      expect(printed.out.split("\n")).toHaveLength(3)
    })
  )

  it.scopedLive("takes the token of the environment, and a second one that only reads", () =>
    Effect.gen(function* () {
      const environment = { UPSTASH_REDIS_REST_TOKEN: "from-environment" }
      const { serving } = yield* start(["--port", "0", "--read-only-token", "for-reading"], environment)
      const { token, url } = yield* serving
      expect(token).toBe("from-environment")
      yield* ask(() => client({ url, token }).set("k", "v"))
      const reader = client({ url, token: "for-reading" })
      expect(yield* ask(() => reader.get("k"))).toBe("v")
      expect(String((yield* Effect.flip(Effect.tryPromise(() => reader.del("k")))).cause)).toContain("NOPERM")
    })
  )

  it.scopedLive("serves in front of the redis-server that it is given, and leaves that alone when it ends", () =>
    Effect.gen(function* () {
      const redisServer = yield* RedisServer.make()
      const { ended, serving, signal } = yield* start(["--port", "0", "--redis-url", redisServer.url])
      const redis = client(yield* serving)
      const pid = yield* behind(redis)
      expect(yield* Effect.flatten(redisServer.pid)).toBe(pid)
      yield* signal("SIGTERM")
      yield* ended
      expect(alive(pid)).toBe(true)
    })
  )

  it.scopedLive.each([["SIGTERM"], ["SIGINT"]] as const)("%s ends it well, and its redis-server before it", ([name]) =>
    Effect.gen(function* () {
      const { ended, serving, signal } = yield* start(["--port", "0"])
      const pid = yield* behind(client(yield* serving))
      expect(alive(pid)).toBe(true)
      yield* signal(name)
      expect(yield* ended).toBe(0)
      expect(alive(pid)).toBe(false)
    })
  )

  it.scopedLive("killed, it takes its redis-server with it", () =>
    Effect.gen(function* () {
      const { serving, signal } = yield* start(["--port", "0"])
      const redis = client(yield* serving)
      const pid = yield* behind(redis)
      const folder = yield* ask(() => redis.exec<[string, string]>(["CONFIG", "GET", "dir"]))
      expect(existsSync(folder[1])).toBe(true)
      yield* signal("SIGKILL")
      yield* gone(pid)
      yield* until(
        Effect.sync(() => existsSync(folder[1])),
        (stands) => !stands
      )
    })
  )

  it.scopedLive("a port that is taken is said, with what to do about it", () =>
    Effect.gen(function* () {
      const taken = yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const server = Net.createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = taken.address() as Net.AddressInfo
      const { ended, printed } = yield* start(["--port", String(port)])
      expect(yield* ended).toBe(1)
      expect(printed.out).toBe("")
      expect(printed.err).toBe(
        `port ${port} of 127.0.0.1 is taken: choose another with --port, or any free one with --port 0\n`
      )
    })
  )
})
