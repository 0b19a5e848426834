/**
 * A `RedisClient` over ioredis for tests against a real cluster. It keeps what it sends, refuses a command whose keys
 * lie in two slots, and lets a test act between two round trips of an operation.
 */
import { Cluster } from "ioredis"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { RedisCluster } from "@larder/redis-server/RedisCluster"
import { type Command, RedisClient, RedisError, type Reply } from "../../src/RedisClient.js"

/** What a test sees and does beside the store. */
export class Wire extends Context.Tag("test/ClusterWire")<
  Wire,
  {
    /** Every round trip. */
    readonly sent: Array<ReadonlyArray<Command>>
    /** Runs before each round trip from now on; it is told how many came before it. */
    before: (trip: number) => Effect.Effect<void>
    trips: number
    /** A command of the test's own, where its first key lies. */
    readonly ask: (name: string, ...args: ReadonlyArray<string>) => Effect.Effect<unknown, Error>
  }
>() {}

/** CRC-16/XMODEM modulo 16 384, of what stands in the first braces: the specification of Redis Cluster. */
export const slotOf = (key: string): number => {
  const hashed = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key
  let crc = 0
  for (const byte of new TextEncoder().encode(hashed)) {
    crc ^= byte << 8
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc % 16_384
}

const keysOf = ([name, ...args]: Command): ReadonlyArray<string> =>
  (name.startsWith("EVAL") ? args.slice(2, 2 + Number(args[1])) : args) as ReadonlyArray<string>

const outcome = (error: Error | null, reply: unknown): Either.Either<Reply, RedisError> => {
  if (error === null) return Either.right(reply as Reply)
  const refused = error.name === "ReplyError"
  const code = refused ? (/^[A-Z]+/.exec(error.message)?.[0] ?? "") : ""
  return Either.left(new RedisError({ reason: refused ? "Rejected" : "Unavailable", code, detail: "" }))
}

export const layer: Layer.Layer<RedisClient | Wire, never, RedisCluster> = Layer.scopedContext(
  Effect.gen(function* () {
    const { masters } = yield* RedisCluster
    const cluster = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const cluster = new Cluster(
          masters.map(({ host, port }) => ({ host, port })),
          {
            lazyConnect: true,
            enableOfflineQueue: false,
            slotsRefreshTimeout: 1_000,
            redisOptions: { maxRetriesPerRequest: 0, commandTimeout: 500, connectTimeout: 500 },
            maxRedirections: 4,
            retryDelayOnClusterDown: 20,
            retryDelayOnFailover: 20
          }
        ).on("error", () => {})
        await cluster.connect()
        return cluster
      }),
      (cluster) => Effect.sync(() => cluster.disconnect())
    )
    const ask = (name: string, ...args: ReadonlyArray<string>) =>
      Effect.tryPromise({ try: () => cluster.call(name, ...args), catch: (cause) => cause as Error })

    const one = async ([name, ...args]: Command) => {
      const sent = args.map((arg) => (typeof arg === "string" ? arg : Buffer.from(arg)))
      try {
        return outcome(null, await cluster.callBuffer(name, ...(sent as Array<string>)))
      } catch (error) {
        return outcome(error as Error, null)
      }
    }

    const wire: Wire["Type"] = { sent: [], before: () => Effect.void, trips: 0, ask }
    const send = (commands: ReadonlyArray<Command>) =>
      Effect.suspend(() => {
        const apart = commands.find((command) => new Set(keysOf(command).map(slotOf)).size > 1)
        if (apart !== undefined) return Effect.dieMessage(`${apart[0]} touches two slots: ${keysOf(apart).join(" ")}`)
        wire.sent.push(commands)
        return Effect.zipRight(
          wire.before(wire.trips++),
          Effect.promise(() => Promise.all(commands.map(one)))
        )
      })
    return Context.empty().pipe(
      Context.add(Wire, wire),
      Context.add(RedisClient, {
        name: "redis",
        encoding: "bytes",
        cluster: true,
        send,
        publish: () => Effect.void,
        subscribe: () => Stream.never
      })
    )
  })
)
