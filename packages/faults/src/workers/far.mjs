/**
 * What stands on the other side of the application's sockets: the network, and the REST server where there is one. In a
 * thread of its own, so that it neither takes the application's time nor counts as something that it holds.
 */
import { parentPort, workerData } from "node:worker_threads"
import { register } from "tsx/esm/api"

// A worker does not inherit the loader that lets Node read TypeScript.
register()
const Effect = await import("effect/Effect")
const Redacted = await import("effect/Redacted")
const UpstashLocal = await import("@larder/upstash-local/UpstashLocal")
const TcpProxy = await import("../TcpProxy.ts")

const serve = Effect.gen(function* () {
  const { redis, token } = workerData
  const rest =
    token === undefined
      ? undefined
      : yield* UpstashLocal.make({ redisUrl: `redis://127.0.0.1:${redis}`, token: Redacted.make(token) })
  const network = yield* TcpProxy.make({ port: rest === undefined ? redis : Number(new URL(rest.url).port) })
  const orders = {
    set: network.set,
    forget: () => network.forget,
    misbehave: (fault) => rest?.faults.set(fault) ?? Effect.void
  }
  parentPort.on("message", ({ id, order, argument }) => {
    Effect.runPromise(orders[order](argument)).then(() => parentPort.postMessage(id))
  })
  parentPort.postMessage(network.port)
  yield* Effect.never
})
await Effect.runPromise(Effect.scoped(serve))
