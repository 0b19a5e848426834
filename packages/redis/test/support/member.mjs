/**
 * One cache over Redis in a thread or process of its own, beside others that hear it: it answers what it is asked for.
 * The name of its bus, and where Redis is, are its arguments.
 */
import { register } from "tsx/esm/api"
import { parentPort } from "node:worker_threads"

register()
const { BroadcastBus, Cache, CacheKey, ProcessBus, RedisStore: Generic, Reporter } = await import("@larder/cache")
const IoredisClient = await import("@larder/redis/IoredisClient")
const [Effect, Exit, Layer, ManagedRuntime, Schema, Scope] = await Promise.all([
  import("effect/Effect"),
  import("effect/Exit"),
  import("effect/Layer"),
  import("effect/ManagedRuntime"),
  import("effect/Schema"),
  import("effect/Scope")
])

const [how, url] = process.argv.slice(2)
const bus = how === "thread" ? BroadcastBus.layer : ProcessBus.layer(process)
const key = CacheKey.make({ prefix: "users", key: (id) => ["id", id], schema: Schema.String })(1)
const runtime = ManagedRuntime.make(
  Cache.layerWithBus({ memory: { timeToLive: "5 minutes" } }).pipe(
    Layer.provide([bus, Generic.layer, Reporter.layerNoop]),
    Layer.provide(IoredisClient.layer({ url }))
  )
)

const answer = (message) => (parentPort === null ? process.send(message) : parentPort.postMessage(message))
const events = []
const orders = {
  find: (value) =>
    Cache.Cache.pipe(
      Effect.flatMap((cache) => cache.getOrSet(key, Effect.succeed(value), { awaitWrite: true, timeToLive: "1 hour" }))
    ),
  invalidate: () => Cache.Cache.pipe(Effect.flatMap((cache) => cache.invalidate(key))),
  events: () => Effect.succeed(events)
}

const take = ({ argument, id, order }) => {
  if (order === undefined) return
  if (order === "close") {
    return runtime.dispose().then(() => {
      // Nothing of the cache keeps it alive from here on: it ends by itself.
      answer({ id })
      if (parentPort === null) process.disconnect()
      else parentPort.close()
    })
  }
  runtime
    .runPromise(Effect.exit(orders[order](argument)))
    .then((exit) => answer({ id, answer: Exit.isSuccess(exit) ? exit.value : String(exit.cause) }))
}

const listening = Cache.listen(
  (event) => void events.push("because" in event ? `${event._tag} ${event.because}` : event._tag)
)
await runtime.runPromise(Scope.extend(listening, Effect.runSync(Scope.make())))
if (parentPort === null) process.on("message", take)
else parentPort.on("message", take)
answer({ id: 0 })
