/**
 * A door to a redis-server behind which every byte that the server sends waits for a while: what is said to the server
 * arrives at once. In real time, and in order.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"

export interface DelayLine {
  readonly host: string
  readonly port: number
  /** From now on, also for what waits already. */
  readonly setMillis: (millis: number) => void
}

/** Beyond this the server is not listened to until some have left, and so keeps the rest itself. */
const maximumWaiting = 32 * 1024 * 1024

const host = "127.0.0.1"

export const make = (target: Net.NetConnectOpts): Effect.Effect<DelayLine, Error, Scope.Scope> =>
  Effect.gen(function* () {
    let millis = 0
    const pairs = new Set<() => void>()

    const accept = (client: Net.Socket): void => {
      const upstream = Net.connect(target)
      const waiting: Array<{ readonly chunk: Buffer; readonly arrived: number }> = []
      let size = 0
      let timer: NodeJS.Timeout | undefined

      const deliver = () => {
        timer = undefined
        for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
          const remaining = first.arrived + millis - performance.now()
          if (remaining > 0) {
            // Looked at again soon, so that a shorter delay is not missed.
            timer = setTimeout(deliver, Math.min(remaining, 20))
            return
          }
          waiting.shift()
          size -= first.chunk.length
          client.write(first.chunk)
        }
        upstream.resume()
      }
      const end = () => {
        clearTimeout(timer)
        client.destroy()
        upstream.destroy()
        pairs.delete(end)
      }
      pairs.add(end)
      upstream.on("data", (chunk: Buffer) => {
        waiting.push({ chunk, arrived: performance.now() })
        size += chunk.length
        if (size > maximumWaiting) upstream.pause()
        if (timer === undefined) deliver()
      })
      client.on("data", (chunk: Buffer) => upstream.write(chunk))
      for (const socket of [client, upstream]) socket.on("error", end).on("close", end)
    }

    const server = yield* Effect.acquireRelease(
      Effect.async<Net.Server, Error>((resume) => {
        const server = Net.createServer(accept)
        server.once("error", (error) => resume(Effect.fail(error)))
        server.listen(0, host, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const end of pairs) end()
        })
    )
    const address = server.address()
    return {
      host,
      port: typeof address === "object" && address !== null ? address.port : 0,
      setMillis: (next) => {
        millis = next
      }
    }
  })
