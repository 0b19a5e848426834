/**
 * What stands on the other side of the application's sockets: the network, and the REST server where there is one. In a
 * process of its own, so that it neither takes the application's time nor counts as something that it holds.
 */
import { register } from "tsx/esm/api"

register()
const Effect = await import("effect/Effect")
const Exit = await import("effect/Exit")
const Redacted = await import("effect/Redacted")
const Scope = await import("effect/Scope")
const TcpProxy = await import("./TcpProxy.ts")

const open = (redis, token) =>
  Effect.gen(function* () {
    if (token === undefined) return { network: yield* TcpProxy.make({ port: redis }), misbehave: () => Effect.void }
    const UpstashLocal = yield* Effect.promise(() => import("@larder/upstash-local/UpstashLocal"))
    const rest = yield* UpstashLocal.make({ redisUrl: `redis://127.0.0.1:${redis}`, token: Redacted.make(token) })
    return { network: yield* TcpProxy.make({ port: Number(new URL(rest.url).port) }), misbehave: rest.faults.set }
  })

const places = new Map()

const orders = {
  open: (place, { redis, token }) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const opened = yield* Scope.extend(open(redis, token), scope)
      places.set(place, { ...opened, scope })
      return opened.network.port
    }),
  close: (place) => Scope.close(places.get(place).scope, Exit.void),
  set: (place, weather) => places.get(place).network.set(weather),
  forget: (place) => places.get(place).network.forget,
  misbehave: (place, fault) => places.get(place).misbehave(fault)
}

// The application is gone, whatever has become of it.
process.on("disconnect", () => process.exit())

process.on("message", ({ argument, id, order, place }) => {
  Effect.runPromise(orders[order](place, argument)).then(
    (answer) => process.send({ id, answer }),
    (error) => process.send({ id, problem: String(error) })
  )
})
