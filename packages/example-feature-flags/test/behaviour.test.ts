import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Faults from "@larder/testing/Faults"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { behaviour } from "./behaviour.js"

/** A cache over a store in memory that misbehaves. */
const failing = (plan: Faults.Plan) => {
  const broken = Layer.effectDiscard(Effect.flatMap(Faults.Faults, (faults) => faults.set(plan)))
  const store = Layer.provideMerge(broken, Layer.provide(Faults.layer, Store.layerMemory))
  // The time a hanging store is waited for is not what is tested here.
  const cache = Cache.layerWith({ storeTimeout: "5 millis", storeBudget: "10 millis" })
  return Layer.provide(cache, [store, Reporter.layerNoop])
}

behaviour("memory", "behaviour_memory", Cache.layerMemory)
behaviour("no cache", "behaviour_noop", Cache.layerNoop)
behaviour("a store that fails", "behaviour_fails", failing({ fault: Faults.fail(), span: "onwards" }))
behaviour("a store that never answers", "behaviour_hangs", failing({ fault: Faults.hang, span: "onwards" }))
behaviour("a store that loses its replies", "behaviour_loses", failing({ fault: Faults.loseReply(), span: "onwards" }))
behaviour(
  "a store that cannot write",
  "behaviour_full",
  failing({ fault: Faults.fail("Rejected"), on: ["fill", "lease"], span: "onwards" })
)
