/**
 * A real `redis-server` for tests: on a free port of the loopback, in a temporary folder of its own, without
 * persistence, ended by its process id when the scope closes. It can be suspended, stopped and started again, which
 * are the honest ways to see a client meet an outage.
 *
 * It knows no test runner and no client; `describeWithRedis` skips tests by name where there is no server program.
 * Waiting is done in real time, so that a test under a virtual clock may start one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

/**
 * The server could not be started.
 *
 * @since 0.1.0
 * @category errors
 */
export class RedisServerError extends Data.TaggedError("RedisServerError")<{ readonly message: string }> {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Further arguments of the command line: `["--maxmemory", "2mb"]`. Default none. */
  readonly args?: ReadonlyArray<string> | undefined
}

/**
 * @since 0.1.0
 * @category tags
 */
export class RedisServer extends Context.Tag("@larder/testing/RedisServer")<
  RedisServer,
  {
    readonly host: string
    readonly port: number
    /** `redis://127.0.0.1:port` */
    readonly url: string
    /** Freezes the process: connections stay open and nothing is answered. */
    readonly suspend: Effect.Effect<void>
    /** Lets a frozen process go on. */
    readonly resume: Effect.Effect<void>
    /** Ends the process; everything it held is lost, scripts too. Nothing happens if it has ended already. */
    readonly stop: Effect.Effect<void>
    /** Starts an empty server on the same port, after `stop`. Nothing happens while one runs. */
    readonly start: Effect.Effect<void, RedisServerError>
  }
>() {}

const program = "redis-server"

/**
 * Whether a `redis-server` is on the PATH.
 *
 * @since 0.1.0
 * @category environment
 */
export const available: boolean = (process.env["PATH"] ?? "")
  .split(delimiter)
  .some((folder) => folder !== "" && existsSync(join(folder, program)))

/**
 * Why tests that need a server must be skipped here, or `undefined` when they must run: a server is there, or
 * `LARDER_REQUIRE_REDIS=1` says that a missing one is a failure.
 *
 * @since 0.1.0
 * @category environment
 */
export const skipReason: string | undefined =
  available || process.env["LARDER_REQUIRE_REDIS"] === "1"
    ? undefined
    : "no redis-server on the PATH: apt-get install redis-server, or brew install redis"

const host = "127.0.0.1"
const startMillis = 10_000

const freePort: Effect.Effect<number, RedisServerError> = Effect.async((resume) => {
  const probe = Net.createServer()
  probe.once("error", (error) => resume(new RedisServerError({ message: `no free port: ${error.message}` })))
  probe.listen(0, host, () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

/** Asks once whether a server answers. A server that wants a password is up, too. */
const ping = (port: number, answer: (up: boolean) => void): void => {
  const socket = Net.connect({ host, port })
  const end = (up: boolean) => {
    socket.destroy()
    answer(up)
  }
  socket.setTimeout(1_000, () => end(false))
  socket.once("error", () => end(false))
  socket.once("data", (data) => end(/^(\+PONG|-NOAUTH)/.test(data.toString("latin1"))))
  socket.write("PING\r\n")
}

/** Waits until the server answers; fails when its process ends first or it takes too long. */
const untilUp = (child: ChildProcess, port: number): Effect.Effect<void, RedisServerError> =>
  Effect.async((resume) => {
    const deadline = performance.now() + startMillis
    let output = ""
    const collect = (data: Buffer) => (output = `${output}${data.toString("utf8")}`.slice(-500))
    const fail = (why: string) => resume(new RedisServerError({ message: `${program} ${why}. ${output}`.trim() }))
    child.stdout?.on("data", collect)
    child.stderr?.on("data", collect)
    child.once("error", (error) => fail(`could not be run: ${error.message}`))
    const ask = () => {
      if (child.exitCode !== null || child.signalCode !== null) return fail("ended while it was starting")
      if (performance.now() > deadline) return fail(`did not answer within ${startMillis} ms`)
      ping(port, (up) => (up ? resume(Effect.void) : setTimeout(ask, 5)))
    }
    ask()
  })

const ended = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (ended(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/**
 * A test runner that is killed closes no scope and runs no handler. But its pipes close: whoever reads from one learns
 * of it, and ends the server.
 */
const watch = (pid: number, folder: string): ChildProcess => {
  const guard = spawn("sh", ["-c", 'read -r _; kill -9 "$0"; rm -rf "$1"', String(pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
  // Without a shell there is no guard, and everything else works.
  guard.on("error", () => {})
  guard.unref()
  return guard
}

/**
 * Starts a server that ends with the scope.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Context.Tag.Service<RedisServer>, RedisServerError, Scope.Scope> =>
  Effect.gen(function* () {
    if (!available) {
      return yield* new RedisServerError({
        message: `no ${program} on the PATH: apt-get install redis-server, or brew install redis`
      })
    }
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-redis-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    let child: ChildProcess | undefined
    let guard: ChildProcess | undefined
    // The guard first: afterwards the process id may be somebody else's.
    const stop = Effect.suspend(() => {
      const ending = [guard, child].flatMap((one) => (one === undefined ? [] : [end(one)]))
      return Effect.all(ending, { discard: true })
    })
    yield* Effect.addFinalizer(() => stop)

    const settings = ["--bind", host, "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no"]
    const startOn = (port: number) =>
      Effect.suspend(() => {
        if (child !== undefined && !ended(child)) return Effect.void
        child = spawn(program, ["--port", String(port), ...settings, ...(options.args ?? [])], {
          stdio: ["ignore", "pipe", "pipe"]
        })
        guard = child.pid === undefined ? undefined : watch(child.pid, folder)
        return untilUp(child, port)
      }).pipe(Effect.onError(() => stop))

    // Between finding a free port and using it somebody else may take it.
    const port = yield* Effect.retry(Effect.tap(freePort, startOn), { times: 4 })
    const signal = (name: "SIGSTOP" | "SIGCONT") => Effect.sync(() => void child?.kill(name))
    return {
      host,
      port,
      url: `redis://${host}:${port}`,
      suspend: signal("SIGSTOP"),
      resume: signal("SIGCONT"),
      stop,
      start: startOn(port)
    }
  })

/**
 * A server with further arguments.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<RedisServer, RedisServerError> =>
  Layer.scoped(RedisServer, make(options))

/**
 * A server as it comes.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<RedisServer, RedisServerError> = Layer.scoped(RedisServer, make())
