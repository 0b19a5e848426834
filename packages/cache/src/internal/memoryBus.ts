/** A bus in this process: a text is heard by whoever listens at the moment it is sent. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { InvalidationBus } from "../InvalidationBus.js"
import * as busListeners from "./busListeners.js"
import * as busWire from "./busWire.js"

export const make: Effect.Effect<Context.Tag.Service<InvalidationBus>> = Effect.sync(() => {
  const { offer, texts } = busListeners.make("memory")
  return {
    name: "memory",
    channel: `larder:bus:${busWire.version}`,
    publish: (text) => Effect.sync(() => offer(text)),
    texts
  }
})
