/**
 * Fences that are told: the store lets one fall, and all instances hear of it before its caller goes on.
 *
 * Where the store and the bus have one carrier, the message leaves inside the store's operation. Otherwise it is sent
 * after the store's reply, and a fence that could not be told has failed as one that the store did not take: it is
 * remembered, and replayed as a whole.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { StoreError } from "../CacheError.js"
import type { InvalidationBus } from "../InvalidationBus.js"
import type { Announcement, CommitRequest, FenceRequest, Outcome, Store } from "../Store.js"
import type { StoreTier } from "../StoreTier.js"
import * as busWire from "./busWire.js"
import { limit } from "./limit.js"

/** What of a tier forbids older values. */
export type Fencing = Pick<StoreTier, "invalidate" | "expire" | "commit">

export const isCarried = (store: Context.Tag.Service<Store>, bus: Context.Tag.Service<InvalidationBus>): boolean =>
  store.carrier !== undefined && store.carrier === bus.carrier && bus.publishCounted !== undefined

/** Without a bus nobody is told. */
export const make = (
  tier: Fencing,
  bus: Context.Tag.Service<InvalidationBus> | undefined,
  options: {
    readonly carried: boolean
    readonly sender: busWire.Sender
    readonly operationMillis: number
    /** Told when a fence was told. */
    readonly worked: (operation: string) => void
  }
): Fencing => {
  if (bus === undefined) return tier
  const { carried, operationMillis, sender, worked } = options
  const { origin } = sender

  const telling = <A>(
    message: busWire.Fence,
    fence: (announcement: Announcement | undefined) => Effect.Effect<A, StoreError>
  ): Effect.Effect<A, StoreError> => {
    if (carried) return fence({ channel: bus.channel, text: busWire.print(message) })
    const tell = limit(
      { store: `${bus.name} bus`, operation: "publish" },
      Effect.suspend(() => bus.publish(busWire.counted(sender, message))),
      operationMillis
    )
    return Effect.uninterruptible(Effect.tap(fence(undefined), () => Effect.map(tell, () => worked("publish"))))
  }

  const fence = (kind: "invalidate" | "expire") => (request: FenceRequest) =>
    telling(
      {
        _tag: "Fence",
        origin,
        kind,
        keys: request.keys.map((name) => name.key),
        tags: request.tags,
        everything: request.everything === true
      },
      (announcement) => tier[kind](announcement === undefined ? request : { ...request, announcement })
    )

  return {
    invalidate: fence("invalidate"),
    expire: fence("expire"),
    commit: (request: CommitRequest): Effect.Effect<Outcome, StoreError> =>
      telling(
        { _tag: "Fence", origin, kind: "invalidate", keys: [request.capture.key], tags: [], everything: false },
        (announcement) => tier.commit(announcement === undefined ? request : { ...request, announcement })
      )
  }
}
