/** A worker thread that offers something on a local port, ended with its scope. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"

export class ThreadError extends Schema.TaggedError<ThreadError>()("ThreadError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file} did not start: ${this.detail}`
  }
}

export interface Thread {
  readonly port: number
  /** Sends a word and waits for the same word. */
  readonly ask: (word: string) => Effect.Effect<void>
}

/** Starts the file, which must be plain JavaScript, and waits until it says its port. */
export const start = (file: URL, workerData?: unknown): Effect.Effect<Thread, ThreadError, Scope.Scope> =>
  Effect.gen(function* () {
    const failure = (detail: string) => new ThreadError({ file: file.pathname.split("/").at(-1)!, detail })
    const worker = yield* Effect.acquireRelease(
      // Flags meant for this process, a loader of TypeScript for instance, are not for the worker.
      Effect.sync(() => new Worker(file, { workerData, execArgv: [] })),
      (worker) => Effect.promise(() => worker.terminate())
    )
    const port = yield* Effect.async<number, ThreadError>((resume) => {
      worker.once("message", (port: number) => resume(Effect.succeed(port)))
      worker.once("error", (error) => resume(Effect.fail(failure(error.message))))
      worker.once("exit", (code) => resume(Effect.fail(failure(`it ended with code ${code}`))))
    })
    const ask = (word: string) =>
      Effect.async<void>((resume) => {
        worker.on("message", (answer: unknown) => answer === word && resume(Effect.void))
        worker.postMessage(word)
      })
    return { port, ask }
  })
