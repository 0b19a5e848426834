/**
 * The channel between a process and those it has forked as a bus. Each child sends its texts to the parent, which passes
 * them on to all, the sender included: so all hear them in one order, and a beat is heard behind what was told before.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { Child, Parent } from "../ProcessBus.js"
import * as busListeners from "./busListeners.js"
import * as busWire from "./busWire.js"

/** So many texts may wait for a child that does not take them; what comes then is lost to it, and missed by its count. */
const capacity = 10_000

const name = "process"

/** Programs send messages of their own over the same channel. */
const field = "larderBus"

const wrapped = (channel: string, text: string) => ({ [field]: channel, text })

const textOf = (channel: string, message: unknown): string | undefined => {
  if (typeof message !== "object" || message === null) return undefined
  const { [field]: to, text } = message as Record<string, unknown>
  return to === channel && typeof text === "string" ? text : undefined
}

const failure = (operation: string, detail: string): StoreError =>
  new StoreError({ store: `${name} bus`, operation, reason: "Unavailable", detail })

const channelOf = (prefix: string): string => `${prefix}:bus:${busWire.version}`

export const child = (
  process: Parent,
  prefix: string
): Effect.Effect<Context.Tag.Service<InvalidationBus>, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const channel = channelOf(prefix)
    const { offer, texts } = busListeners.make(name)
    if (process.send === undefined) return yield* failure("open", "this process was not forked")
    const hear = (message: unknown): void => {
      const text = textOf(channel, message)
      if (text !== undefined) offer(text)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => void process.on("message", hear)),
      () => Effect.sync(() => void process.off("message", hear))
    )
    return {
      name,
      channel,
      publish: (text) =>
        Effect.async((resume) => {
          process.send!(wrapped(channel, text), undefined, undefined, (error) =>
            resume(error === null ? Effect.void : Effect.fail(failure("publish", "the parent is gone")))
          )
        }),
      texts
    }
  })

export const relay = (prefix: string) => {
  const channel = channelOf(prefix)
  const { offer, texts } = busListeners.make(name)
  const children = new Map<Child, { waiting: number }>()
  const tell = (text: string): void => {
    offer(text)
    for (const [one, state] of children) {
      if (state.waiting >= capacity) continue
      state.waiting += 1
      one.send(wrapped(channel, text), () => {
        state.waiting -= 1
      })
    }
  }
  const bus: Context.Tag.Service<InvalidationBus> = {
    name,
    channel,
    publish: (text) => Effect.sync(() => tell(text)),
    texts
  }
  return {
    bus,
    join: (one: Child): void => {
      if (children.has(one)) return
      children.set(one, { waiting: 0 })
      one.on("message", (message) => {
        const text = textOf(channel, message)
        if (text !== undefined) tell(text)
      })
      one.on("disconnect", () => children.delete(one))
    }
  }
}
