/**
 * A real `redis-server` for a test, a demo or a local server: started from the PATH, on a free port of the loopback, in
 * a temporary folder of its own, without persistence, ended by its process id when the scope closes. It can be
 * suspended, stopped and started again, which are the honest ways to see a client meet an outage.
 *
 * It knows no client and no test runner. Waiting is done in real time, so that a test under a virtual clock may start
 * one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { freePort, host } from "./internal/loopback.js"

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
export class RedisServer extends Context.Tag("@larder/redis-server/RedisServer")<
  RedisServer,
  {
    readonly host: string
    readonly port: number
    /** `redis://127.0.0.1:port` */
    readonly url: string
    /** The id of the running process; none after `stop`. */
    readonly pid: Effect.Effect<Option.Option<number>>
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

const onPath = (): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)))

/**
 * Whether a `redis-server` is on the PATH.
 *
 * @since 0.1.0
 * @category environment
 */
export const available: Effect.Effect<boolean> = Effect.sync(onPath)

/**
 * How to get one.
 *
 * @since 0.1.0
 * @category environment
 */
export const installHint = "apt-get install redis-server, or brew install redis"

const startMillis = 10_000

/**
 * Asks once whether this server answers, and not another that took its port. One that wants a password tells nobody
 * who it is, and is believed.
 */
const ask = (port: number, pid: number | undefined, answer: (up: boolean) => void): void => {
  const socket = Net.connect({ host, port })
  const end = (up: boolean) => {
    socket.destroy()
    answer(up)
  }
  socket.setTimeout(1_000, () => end(false))
  socket.once("error", () => end(false))
  socket.once("data", (data) => {
    const reply = data.toString("latin1")
    end(reply.startsWith("-NOAUTH") || reply.includes(`process_id:${pid}\r\n`))
  })
  socket.write("INFO server\r\n")
}

const ended = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined

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
    const wait = () => {
      if (child.exitCode !== null || child.signalCode !== null) return fail("ended while it was starting")
      if (performance.now() > deadline) return fail(`did not answer within ${startMillis} ms`)
      ask(port, child.pid, (up) => (up ? resume(Effect.void) : setTimeout(wait, 5)))
    }
    wait()
  })

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (ended(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/**
 * A program that is killed closes no scope and runs no handler. But its pipes close: a shell that reads from one learns
 * of it, ends the server and removes its folder. Of a group of its own, so that Ctrl-C does not end the shell too.
 */
const guard = (child: ChildProcess, folder: string): void => {
  if (child.pid === undefined) return
  const wait = 'read -r _; kill -9 "$0"; rm -rf "$1"'
  const shell = spawn("sh", ["-c", wait, String(child.pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true
  })
  // Without a shell there is no guard, and everything else works.
  shell.once("error", () => {})
  shell.stdin.once("error", () => {})
  shell.unref()
  // Afterwards the process id may be somebody else's.
  child.once("exit", () => shell.kill("SIGKILL"))
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
    if (!onPath()) {
      return yield* new RedisServerError({ message: `no ${program} on the PATH: ${installHint}` })
    }
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-redis-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    let child: ChildProcess | undefined
    const stop = Effect.suspend(() => (child === undefined ? Effect.void : end(child)))
    yield* Effect.addFinalizer(() => stop)

    const settings = ["--bind", host, "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no"]
    const startOn = (port: number) =>
      Effect.suspend(() => {
        if (child !== undefined && !ended(child)) return Effect.void
        child = spawn(program, ["--port", String(port), ...settings, ...(options.args ?? [])], {
          stdio: ["ignore", "pipe", "pipe"]
        })
        guard(child, folder)
        return untilUp(child, port)
      }).pipe(Effect.onError(() => stop))

    const free = Effect.mapError(
      freePort,
      ({ message }) => new RedisServerError({ message: `no free port: ${message}` })
    )
    // Between finding a free port and using it somebody else may take it.
    const port = yield* Effect.retry(Effect.tap(free, startOn), { times: 4 })
    const signal = (name: "SIGSTOP" | "SIGCONT") => Effect.sync(() => void child?.kill(name))
    return {
      host,
      port,
      url: `redis://${host}:${port}`,
      pid: Effect.sync(() => (child === undefined || ended(child) ? Option.none() : Option.fromNullable(child.pid))),
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
