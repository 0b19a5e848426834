/** A store in memory, of which some operations are replaced; it says whether it is remote. */
import { Cache, Reporter, Store } from "@larder/cache"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export type Service = Context.Tag.Service<Store.Store>

export const storeOver = (change: (memory: Service) => Partial<Service>, remote = true) =>
  Layer.effect(
    Store.Store,
    Effect.map(Effect.map(Layer.build(Store.layerMemory), Context.get(Store.Store)), (memory) => ({
      ...memory,
      name: "over",
      remote,
      ...change(memory)
    }))
  ).pipe((layer) => Layer.scoped(Store.Store, Effect.map(Layer.build(layer), Context.get(Store.Store))))

export const cacheOver = (
  change: (memory: Service) => Partial<Service>,
  options: Cache.Options = {},
  remote = true,
  reporter: Layer.Layer<Reporter.Reporter> = Reporter.layerNoop
) => {
  const store = storeOver(change, remote)
  return Layer.provideMerge(Cache.layerWith(options), Layer.merge(store, reporter))
}

export const recording = () => {
  const failures: Array<Reporter.CacheFailure> = []
  return {
    failures,
    layer: Layer.succeed(Reporter.Reporter, { report: (failure) => Effect.sync(() => void failures.push(failure)) })
  }
}
