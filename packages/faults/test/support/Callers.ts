/** Instances in processes of their own, which can be killed; see `calling.ts`. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Order, Told } from "./calling.js"

type Tag = Told["_tag"]
type Of<T extends Tag> = Extract<Told, { readonly _tag: T }>

export interface Caller {
  readonly pid: number
  readonly send: (order: Order) => Effect.Effect<void>
  /** The next thing of this kind that it tells of a call, beginning with what it has told already. */
  readonly next: <T extends Tag>(tag: T, name: string) => Effect.Effect<Of<T>>
  /** SIGKILL: it is gone in the middle of whatever it does. */
  readonly kill: Effect.Effect<void>
}

export const make: Effect.Effect<Caller, never, Scope.Scope> = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    // Flags meant for this process, a loader of TypeScript for instance, are not for the other.
    Effect.sync(() => fork(fileURLToPath(new URL("./caller.mjs", import.meta.url)), { execArgv: [] })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  const told: Array<Told> = []
  const waiting = new Set<{ readonly tag: Tag; readonly name: string; readonly answer: (one: Told) => void }>()
  child.on("message", (message) => {
    const one = message as Told
    for (const waiter of waiting) {
      if (waiter.tag !== one._tag || waiter.name !== one.name) continue
      waiting.delete(waiter)
      return waiter.answer(one)
    }
    told.push(one)
  })
  const next = <T extends Tag>(tag: T, name: string): Effect.Effect<Of<T>> =>
    Effect.gen(function* () {
      const at = told.findIndex((one) => one._tag === tag && one.name === name)
      if (at >= 0) return told.splice(at, 1)[0] as Of<T>
      const deferred = yield* Deferred.make<Of<T>>()
      waiting.add({ tag, name, answer: (one) => Deferred.unsafeDone(deferred, Effect.succeed(one as Of<T>)) })
      return yield* Deferred.await(deferred)
    })
  yield* next("Ready", "")
  return {
    pid: child.pid!,
    send: (order) => Effect.sync(() => void child.send(order)),
    next,
    kill: Effect.sync(() => void child.kill("SIGKILL"))
  }
})
