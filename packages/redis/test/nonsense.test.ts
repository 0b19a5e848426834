import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import { describe } from "vitest"
import { IoredisClient } from "../src/index.js"
import { by, run, send, took } from "./support/support.js"

/** A server that greets a connection as Redis does, and then does what it is told to with each command. */
const serverThat = (answer: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.async<{ readonly port: number; readonly connections: () => number; readonly close: () => void }>(
      (resume) => {
        const sockets = new Set<Net.Socket>()
        let connections = 0
        const server = Net.createServer((socket) => {
          connections++
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => sockets.delete(socket))
          socket.once("data", () => {
            socket.write("+OK\r\n")
            socket.on("data", () => answer(socket))
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const close = () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
          const { port } = server.address() as Net.AddressInfo
          resume(Effect.succeed({ port, connections: () => connections, close }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

const client = (port: number, options: IoredisClient.Options = {}) =>
  IoredisClient.make({ host: "127.0.0.1", port, commandTimeout: 200, ...options })

describe("faults / a server that is no Redis", () => {
  it.scopedLive("a reply that comes drop by drop ends with the limit", () =>
    Effect.gen(function* () {
      const timers = new Set<NodeJS.Timeout>()
      yield* Effect.addFinalizer(() => Effect.sync(() => timers.forEach((timer) => clearInterval(timer))))
      const { port } = yield* serverThat((socket) => {
        socket.write("$1000\r\n")
        timers.add(setInterval(() => socket.write("x"), 20))
      })
      const redis = yield* client(port)
      const [error, millis] = yield* took(Effect.flip(by(redis, run("GET", "k"))))
      expect(error.message).toBe("Unavailable: no reply within 200 ms")
      expect(millis).toBeGreaterThan(190)
      expect(millis).toBeLessThan(1_000)
    })
  )

  it.scopedLive("what is not of the protocol ends the connection, and is not repeated", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serverThat((socket) =>
        socket.write("HTTP/1.1 400 Bad Request\r\nsecret\r\n")
      )
      const redis = yield* client(port)
      const error = yield* Effect.flip(by(redis, send(["GET", "k"], ["GET", "l"])))
      expect(error.reason).toBe("Unavailable")
      expect(error.message).not.toContain("secret")
      // The next connections come with pauses, not as fast as they can.
      yield* Effect.timeoutOption(
        Effect.forever(Effect.zipRight(Effect.exit(by(redis, send(["PING"]))), Effect.sleep(1))),
        500
      )
      expect(connections()).toBeGreaterThan(1)
      expect(connections()).toBeLessThan(8)
    })
  )

  it.scopedLive("half a reply is none", () =>
    Effect.gen(function* () {
      const { port } = yield* serverThat((socket) => socket.end("+OK\r\n$100\r\nhalf"))
      const redis = yield* client(port)
      const [first, second] = yield* by(redis, send(["SET", "k", "v"], ["GET", "k"]))
      expect(first!._tag).toBe("Right")
      expect(second).toMatchObject({ _tag: "Left", left: { reason: "Unavailable" } })
    })
  )
})
