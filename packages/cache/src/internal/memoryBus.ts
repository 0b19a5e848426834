/** A bus in this process: a text is heard by whoever listens at the moment it is sent. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import * as busWire from "./busWire.js"

/** So many texts may wait for one listener. */
const capacity = 10_000

const overrun = new StoreError({
  store: "memory bus",
  operation: "listen",
  reason: "Unavailable",
  detail: "texts came faster than they were taken"
})

export const make: Effect.Effect<Context.Tag.Service<InvalidationBus>> = Effect.sync(() => {
  const listeners = new Set<Mailbox.Mailbox<string, StoreError>>()
  return {
    name: "memory",
    channel: `larder:bus:${busWire.version}`,
    publish: (text) =>
      Effect.sync(() => {
        for (const listener of listeners) {
          if (!listener.unsafeOffer(text)) listener.unsafeDone(Exit.fail(overrun))
        }
      }),
    texts: Stream.unwrapScoped(
      Effect.acquireRelease(
        Effect.tap(Mailbox.make<string, StoreError>({ capacity, strategy: "dropping" }), (listener) =>
          Effect.sync(() => listeners.add(listener))
        ),
        (listener) => Effect.sync(() => listeners.delete(listener))
      ).pipe(Effect.map(Mailbox.toStream))
    )
  }
})
