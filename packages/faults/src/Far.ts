/** The other side of the application's sockets, in a thread of its own; what it does is in `workers/far.mjs`. */
import type * as Fault from "@larder/upstash-local/Fault"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { Weather } from "./TcpProxy.js"

export class FarError extends Data.TaggedError("FarError")<{ readonly message: string }> {}

export interface Far {
  /** Where the application connects. */
  readonly port: number
  readonly set: (weather: Weather) => Effect.Effect<void>
  readonly forget: Effect.Effect<void>
  /** What the REST server does in place of its work. Nothing where there is none. */
  readonly misbehave: (fault: Fault.Fault) => Effect.Effect<void>
}

/** With a token there is a REST server between the network and the redis-server. */
export const make = (options: {
  readonly redis: number
  readonly token: string | undefined
}): Effect.Effect<Far, FarError, Scope.Scope> =>
  Effect.gen(function* () {
    const worker = yield* Effect.acquireRelease(
      // Flags meant for this process, a loader of TypeScript for instance, are not for the worker.
      Effect.sync(
        () => new Worker(new URL("./workers/far.mjs", import.meta.url), { workerData: options, execArgv: [] })
      ),
      (worker) => Effect.promise(() => worker.terminate())
    )
    const fail = (detail: string) => Effect.fail(new FarError({ message: `the network did not start: ${detail}` }))
    const port = yield* Effect.async<number, FarError>((resume) => {
      worker.once("message", (port: number) => resume(Effect.succeed(port)))
      worker.once("error", (error) => resume(fail(error.message)))
      worker.once("exit", (code) => resume(fail(`it ended with code ${code}`)))
    })
    const answered = new Map<number, () => void>()
    worker.on("message", (id: number) => {
      answered.get(id)?.()
      answered.delete(id)
    })
    let ids = 0
    const ask = (order: string, argument?: unknown) =>
      Effect.async<void>((resume) => {
        const id = ids++
        answered.set(id, () => resume(Effect.void))
        worker.postMessage({ id, order, argument })
      })
    return {
      port,
      set: (weather) => ask("set", { ...weather }),
      forget: ask("forget"),
      misbehave: (fault) => ask("misbehave", { ...fault })
    }
  })
