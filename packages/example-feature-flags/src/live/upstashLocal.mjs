/**
 * The local Upstash server in a thread of its own: it stands for another machine, and must not take the time of the
 * program it serves.
 */
import { parentPort, workerData } from "node:worker_threads"
import { register } from "tsx/esm/api"

// A worker does not inherit the loader that lets Node read TypeScript.
register()
const Effect = await import("effect/Effect")
const Redacted = await import("effect/Redacted")
const UpstashLocal = await import("@larder/upstash-local/UpstashLocal")

const serve = Effect.gen(function* () {
  const { redisUrl, token } = workerData
  const { url } = yield* UpstashLocal.make({ redisUrl, token: Redacted.make(token) })
  parentPort.postMessage(Number(new URL(url).port))
  yield* Effect.never
})
await Effect.runPromise(Effect.scoped(serve))
