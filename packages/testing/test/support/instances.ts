/**
 * Further stores over the data of a first one that are wrong in one way each, and the cases that must find them. The
 * first one is the `Store` of the context.
 */
import * as Store from "@larder/cache/Store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

export type Service = Store.Store["Type"]

export interface Instance {
  readonly name: string
  readonly open: Effect.Effect<Service, never, Store.Store | Scope.Scope>
  readonly caughtBy: ReadonlyArray<string>
}

const fresh = Effect.map(Layer.build(Layer.fresh(Store.layerMemory)), Context.get(Store.Store))
export const instances: ReadonlyArray<Instance> = [
  {
    name: "has data of its own",
    open: fresh,
    caughtBy: [
      "two instances: what one filled the other answers",
      "two instances: a lease of one is busy for the other",
      "two instances: what one fences is gone or stale for the other, and its leases are void",
      "two instances: of fifty asking both at once for a lease exactly one is granted it",
      "a restart: what was stored before it is answered after it"
    ]
  },
  {
    name: "has leases of its own",
    open: Effect.zipWith(Store.Store, fresh, (store, own) => ({ ...store, lease: own.lease })),
    caughtBy: [
      "two instances: a lease of one is busy for the other",
      "two instances: of fifty asking both at once for a lease exactly one is granted it"
    ]
  },
  {
    name: "keeps its fences to itself",
    open: Effect.zipWith(Store.Store, fresh, (store, { expire, invalidate }) => ({ ...store, expire, invalidate })),
    caughtBy: [
      "two instances: what one fences is gone or stale for the other, and its leases are void",
      "a restart: what was fenced before it is gone or stale after it",
      "a restart: a lease from before it fills nothing over a fence that fell since"
    ]
  }
]
