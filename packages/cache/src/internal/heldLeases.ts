/**
 * The leases whose lookups are running. One fiber keeps all of them alive, so a lookup costs an entry in a set; it
 * sleeps while there is none.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { StoreError } from "../CacheError.js"
import type { Lease } from "../Store.js"
import type { StoreTier } from "../StoreTier.js"

export interface HeldLeases {
  readonly size: () => number
  /** Keeps a lease alive from now on. */
  readonly hold: (lease: Lease) => void
  /** No longer; answers whether it was kept alive. */
  readonly letGo: (lease: Lease) => boolean
  /** Renews them for ever. */
  readonly renewals: Effect.Effect<never>
}

export const make = (
  tier: Pick<StoreTier, "renew">,
  leaseMillis: number,
  failed: (error: StoreError) => Effect.Effect<void>
): Effect.Effect<HeldLeases> =>
  Effect.map(Queue.sliding<void>(1), (wanted) => {
    const held = new Set<Lease>()
    return {
      size: () => held.size,
      hold: (lease) => {
        held.add(lease)
        if (held.size === 1) wanted.unsafeOffer(undefined)
      },
      letGo: (lease) => held.delete(lease),
      renewals: Effect.forever(
        Effect.gen(function* () {
          yield* Queue.take(wanted)
          while (held.size > 0) {
            yield* Effect.sleep(leaseMillis / 3)
            const leases = [...held]
            if (leases.length === 0) break
            const kept = yield* Effect.either(tier.renew(leases))
            if (kept._tag === "Left") yield* failed(kept.left)
            else leases.forEach((lease, i) => kept.right[i] === false && held.delete(lease))
          }
        })
      )
    }
  })
