/**
 * A replica that lags: a second redis-server that follows the first by Redis's own replication, whose stream is held
 * back on the way. It is started when it is first wanted and ends with the server.
 */
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { NetConnectOpts } from "node:net"
import type { Command } from "./command.js"
import * as Connection from "./connection.js"
import * as DelayLine from "./delayLine.js"
import type { Address } from "./link.js"
import { Refusal } from "./refusal.js"

export interface Replica {
  /** From now on, reads are answered by a server that is this far behind. Ends when that server is there. */
  readonly lag: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** From now on, the first server answers reads too. */
  readonly leave: Effect.Effect<void>
  /** Whether it lags now. */
  readonly lags: () => boolean
  /** The server that lags, or why there is none. */
  readonly connection: Effect.Effect<Connection.Connection, Refusal>
}

interface Running {
  readonly connection: Connection.Connection
  readonly delay: DelayLine.DelayLine
}

const refuse = (why: string): Refusal =>
  new Refusal({ status: 500, error: `there is no replica to lag behind: ${why}` })

/** Where the first server is, for a socket and for `REPLICAOF`. */
const locate = (
  address: Address
): Either.Either<
  { readonly target: NetConnectOpts; readonly database: string; readonly user: string; readonly password: string },
  Refusal
> => {
  if ("unixSocket" in address) {
    return Either.right({ target: { path: address.unixSocket }, database: "", user: "", password: "" })
  }
  if (!URL.canParse(address.redisUrl) || !address.redisUrl.startsWith("redis://")) {
    return Either.left(refuse("only a server at a redis:// URL can be followed"))
  }
  const { hostname, password, pathname, port, username } = new URL(address.redisUrl)
  return Either.right({
    target: { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 6379 : Number(port) },
    database: pathname,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password)
  })
}

const command = (name: string, ...args: ReadonlyArray<string>): Command => ({ name, args })

/** How much of the replication stream a server has written, or carried out. */
export const offset = (connection: Connection.Connection): Effect.Effect<number, Refusal> =>
  Effect.map(connection.run([command("ROLE")]), ([reply]) => {
    const role = Array.isArray(reply) ? (reply as ReadonlyArray<unknown>) : []
    return Math.max(0, Number(String(role[0]) === "master" ? role[1] : role[4]) || 0)
  })

const isConnected = (connection: Connection.Connection) =>
  Effect.map(connection.run([command("ROLE")]), ([reply]) => Array.isArray(reply) && String(reply[3]) === "connected")

const setting = "repl-diskless-sync-delay"

/** A first copy waits five seconds for further replicas, unless it is told that none will come. */
const withoutWaiting = <A, E, R>(primary: Connection.Connection, copy: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.gen(function* () {
      const [before] = yield* primary.run([command("CONFIG", "GET", setting)])
      yield* primary.run([command("CONFIG", "SET", setting, "0")])
      return Array.isArray(before) ? String(before[1]) : "5"
    }),
    () => copy,
    (before) => Effect.ignore(primary.run([command("CONFIG", "SET", setting, before)]))
  )

const start = (primary: Connection.Connection, address: Address): Effect.Effect<Running, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    const { database, password, target, user } = yield* locate(address)
    const delay = yield* Effect.mapError(DelayLine.make(target), ({ message }) => refuse(message))
    const server = yield* Effect.mapError(RedisServer.make(), ({ message }) => refuse(message))
    const connection = yield* Connection.make({ redisUrl: `${server.url}${database}` })
    const follow = [
      command("CONFIG", "SET", "masteruser", user, "masterauth", password),
      command("REPLICAOF", delay.host, String(delay.port))
    ]
    const connected = Effect.gen(function* () {
      const wrong = (yield* connection.run(follow)).find((reply) => reply instanceof Error)
      if (wrong instanceof Error) return yield* refuse(wrong.message)
      yield* Effect.repeat(isConnected(connection), {
        until: (is) => is,
        schedule: Schedule.spaced("10 millis")
      }).pipe(
        Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => refuse("its first copy took over 20 seconds") })
      )
    })
    yield* withoutWaiting(primary, connected)
    return { connection, delay }
  })

export const make = (primary: Connection.Connection, address: Address): Effect.Effect<Replica, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const turns = yield* Effect.makeSemaphore(1)
    let running: Either.Either<Running, Refusal> = Either.left(refuse("none was asked for"))
    let lagging = false

    return {
      lag: (duration) =>
        Effect.gen(function* () {
          if (Either.isLeft(running)) running = yield* Effect.either(Scope.extend(start(primary, address), scope))
          if (Either.isRight(running)) running.right.delay.setMillis(Duration.toMillis(duration))
          lagging = true
        }).pipe(
          turns.withPermits(1),
          // A program under a virtual clock waits for a server that lives in real time.
          Effect.withClock(Clock.make())
        ),
      leave: turns.withPermits(1)(
        Effect.sync(() => {
          lagging = false
        })
      ),
      lags: () => lagging,
      connection: Effect.suspend(() => Either.map(running, ({ connection }) => connection))
    }
  })
