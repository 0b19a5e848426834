/** The other side of the application's sockets, in a process of its own; what it does is in `far.mjs`. */
import type * as Fault from "@larder/upstash-local/Fault"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Weather } from "./TcpProxy.js"

export class FarError extends Data.TaggedError("FarError")<{ readonly message: string }> {}

/** One network, and what is behind it. */
export interface Network {
  /** Where the application connects. */
  readonly port: number
  readonly set: (weather: Weather) => Effect.Effect<void>
  readonly forget: Effect.Effect<void>
  /** What the REST server does in place of its work. Nothing where there is none. */
  readonly misbehave: (fault: Fault.Fault) => Effect.Effect<void>
}

export interface Options {
  /** The port of the redis-server. */
  readonly redis: number
  /** With a token there is a REST server between the network and the redis-server. */
  readonly token: string | undefined
}

export class Far extends Context.Tag("faults/Far")<
  Far,
  { readonly open: (options: Options) => Effect.Effect<Network, FarError, Scope.Scope> }
>() {}

interface Answer {
  readonly id: number
  readonly answer?: unknown
  readonly problem?: string
}

export const layer: Layer.Layer<Far> = Layer.scoped(
  Far,
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      // Flags meant for this process, a loader of TypeScript for instance, are not for the other.
      Effect.sync(() => fork(fileURLToPath(new URL("./far.mjs", import.meta.url)), { execArgv: [] })),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    )
    const waiting = new Map<number, (answer: Effect.Effect<unknown, FarError>) => void>()
    const fail = (problem: string) => Effect.fail(new FarError({ message: `the network has failed: ${problem}` }))
    let ended: Effect.Effect<never, FarError> | undefined
    const end = (problem: string) => {
      ended ??= fail(problem)
      for (const resume of waiting.values()) resume(ended)
    }
    child.on("message", (message) => {
      const { answer, id, problem } = message as Answer
      waiting.get(id)?.(problem === undefined ? Effect.succeed(answer) : fail(problem))
      waiting.delete(id)
    })
    child.once("error", (error) => end(error.message))
    child.once("exit", (code) => end(`its process ended with code ${code}`))
    let ids = 0
    const ask = (order: string, place: number, argument?: unknown) =>
      Effect.async<unknown, FarError>((resume) => {
        if (ended !== undefined) return resume(ended)
        const id = ids++
        waiting.set(id, resume)
        child.send({ id, order, place, argument })
      })
    const tell = (order: string, place: number, argument?: unknown) => Effect.orDie(ask(order, place, argument))
    return {
      open: (options) =>
        Effect.gen(function* () {
          const place = ids++
          const port = yield* Effect.acquireRelease(ask("open", place, options), () => tell("close", place))
          return {
            port: port as number,
            // What crosses to another process is plain data.
            set: (weather) => tell("set", place, { ...weather }),
            forget: Effect.asVoid(tell("forget", place)),
            misbehave: (fault) => tell("misbehave", place, { ...fault })
          }
        })
    }
  })
)
