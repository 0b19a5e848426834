/**
 * The platform's `BroadcastChannel` as a bus. A channel does not hear itself, so there are two: one speaks, the other
 * listens. So a beat takes the way of everybody's texts, and is heard behind those that were sent before it.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import * as busListeners from "./busListeners.js"
import * as busWire from "./busWire.js"

/** What is needed of it, on any platform. */
interface Channel {
  readonly addEventListener: (
    type: "message" | "messageerror",
    listener: (event: { readonly data?: unknown }) => void
  ) => void
  readonly postMessage: (text: string) => void
  readonly close: () => void
  /** Where a channel that is open would keep the program alive. */
  readonly unref?: () => void
}

const failure = (operation: string, detail: string): StoreError =>
  new StoreError({ store: "broadcast bus", operation, reason: "Unavailable", detail })

const open = (name: string): Effect.Effect<Channel, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const { BroadcastChannel } = globalThis as unknown as { BroadcastChannel?: new (name: string) => Channel }
      if (BroadcastChannel === undefined) return Effect.fail(failure("open", "there is no BroadcastChannel here"))
      const channel = new BroadcastChannel(name)
      channel.unref?.()
      return Effect.succeed(channel)
    }),
    (channel) => Effect.sync(() => channel.close())
  )

export const make = (name: string): Effect.Effect<Context.Tag.Service<InvalidationBus>, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const channel = `${name}:bus:${busWire.version}`
    const { offer, texts } = busListeners.make("broadcast")
    const mouth = yield* open(channel)
    const ear = yield* open(channel)
    // What is no text is nobody's message: whoever listens takes it for a gap.
    const hear = ({ data }: { readonly data?: unknown }): void => offer(typeof data === "string" ? data : "")
    ear.addEventListener("message", hear)
    ear.addEventListener("messageerror", hear)
    return {
      name: "broadcast",
      channel,
      publish: (text) =>
        Effect.try({ try: () => mouth.postMessage(text), catch: () => failure("publish", "the channel is closed") }),
      texts
    }
  })
