/** Caches over one server in threads and processes of their own, which tell each other without it. */
import { expect, it } from "@effect/vitest"
import * as ProcessBus from "@larder/cache/ProcessBus"
import * as RedisServer from "@larder/redis-server/RedisServer"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import cluster from "node:cluster"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { until } from "./support/support.js"

const member = fileURLToPath(new URL("./support/member.mjs", import.meta.url))

interface Line {
  readonly tell: (message: object) => void
  readonly on: (event: "message" | "exit", listener: (message: unknown) => void) => void
  readonly kill: () => unknown
}

/** A member that has begun; it is ended with the scope. */
const talk = (start: () => Line) =>
  Effect.gen(function* () {
    const waiting = new Map<number, (answer: unknown) => void>()
    let ended = false
    const line = yield* Effect.acquireRelease(Effect.sync(start), ({ kill }) => Effect.promise(async () => kill()))
    line.on("message", (message) => {
      const { answer, id } = message as { readonly id?: number; readonly answer?: unknown }
      if (id !== undefined) waiting.get(id)?.(answer)
    })
    line.on("exit", () => void (ended = true))
    const heard = (id: number) =>
      Effect.async<unknown>((resume) => void waiting.set(id, (answer) => resume(Effect.succeed(answer))))
    yield* heard(0)
    let ids = 1
    const ask = (order: string, argument?: unknown) =>
      Effect.suspend(() => {
        const id = ids++
        return Effect.zipLeft(
          heard(id),
          Effect.sync(() => line.tell({ id, order, argument })),
          { concurrent: true }
        )
      })
    const hears = (event: string) => until(ask("events"), (events) => (events as ReadonlyArray<string>).includes(event))
    yield* hears("Gap Subscribed")
    return { ask, hears, ended: Effect.sync(() => ended) }
  })

const inThread = (url: string) => () => {
  const worker = new Worker(member, { argv: ["thread", url], execArgv: [] })
  return {
    tell: (message: object) => worker.postMessage(message),
    on: (event: "message" | "exit", listener: (message: unknown) => void) => void worker.on(event, listener),
    kill: () => worker.terminate()
  }
}

const lineOf = (child: ChildProcess): Line => ({
  tell: (message) => void child.send(message),
  on: (event, listener) => void child.on(event, listener),
  kill: () => child.kill("SIGKILL")
})

const inFork = (url: string, relay: ProcessBus.Relay) => () => {
  const child = fork(member, ["process", url], { execArgv: [] })
  relay.join(child)
  return lineOf(child)
}

const inCluster = (url: string) => () => {
  cluster.setupPrimary({ exec: member, args: ["process", url], execArgv: [] })
  return lineOf(cluster.fork().process)
}

const hearEachOther = (start: () => Line) =>
  Effect.gen(function* () {
    const [one, two] = yield* Effect.all([talk(start), talk(start)], { concurrency: 2 })
    yield* one.ask("find", "v0")
    expect(yield* two.ask("find", "v1")).toBe("v0")
    yield* two.ask("invalidate")
    yield* one.hears("Heard")
    expect(yield* one.ask("find", "v1")).toBe("v1")
    expect(yield* one.ask("events")).not.toContain("Gap Lost")
    expect(yield* two.ask("events")).not.toContain("Heard")
    for (const each of [one, two]) {
      yield* each.ask("close")
      yield* until(each.ended, (ended) => ended)
    }
  })

describeWithRedis("neighbours / one machine", () => {
  it.scopedLive("worker threads hear each other's invalidations, and end when their caches are closed", () =>
    Effect.flatMap(RedisServer.RedisServer, ({ url }) => hearEachOther(inThread(url))).pipe(
      Effect.provide(RedisServer.layer)
    )
  )

  it.scopedLive("processes that were forked hear each other's invalidations by their parent", () =>
    Effect.flatMap(RedisServer.RedisServer, ({ url }) => hearEachOther(inFork(url, ProcessBus.makeRelay()))).pipe(
      Effect.provide(RedisServer.layer)
    )
  )

  it.scopedLive("workers of a cluster hear each other's invalidations by their primary", () =>
    Effect.gen(function* () {
      const { url } = yield* RedisServer.RedisServer
      const { join } = ProcessBus.makeRelay()
      yield* Effect.acquireRelease(
        Effect.sync(() => cluster.on("fork", join)),
        () => Effect.sync(() => cluster.off("fork", join))
      )
      yield* hearEachOther(inCluster(url))
    }).pipe(Effect.provide(RedisServer.layer))
  )
})
