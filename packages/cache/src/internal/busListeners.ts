/** Who listens in this process to a bus: each gets every text, in the order in which they come. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import { StoreError } from "../CacheError.js"

/** So many texts may wait for one listener. */
const capacity = 10_000

export interface BusListeners {
  readonly offer: (text: string) => void
  readonly texts: Stream.Stream<string, StoreError>
}

export const make = (name: string): BusListeners => {
  const listeners = new Set<Mailbox.Mailbox<string, StoreError>>()
  const overrun = new StoreError({
    store: `${name} bus`,
    operation: "listen",
    reason: "Unavailable",
    detail: "texts came faster than they were taken"
  })
  return {
    offer: (text) => {
      for (const listener of listeners) {
        if (!listener.unsafeOffer(text)) listener.unsafeDone(Exit.fail(overrun))
      }
    },
    texts: Stream.unwrapScoped(
      Effect.acquireRelease(
        Effect.tap(Mailbox.make<string, StoreError>({ capacity, strategy: "dropping" }), (listener) =>
          Effect.sync(() => listeners.add(listener))
        ),
        (listener) => Effect.sync(() => listeners.delete(listener))
      ).pipe(Effect.map(Mailbox.toStream))
    )
  }
}
