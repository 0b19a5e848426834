/** Ports of this machine, and a word with whoever listens on one. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

export const host = "127.0.0.1"

/** A port that nobody uses now. */
export const freePort: Effect.Effect<number, Error> = Effect.async((resume) => {
  const probe = Net.createServer()
  probe.once("error", (error) => resume(Effect.fail(error)))
  probe.listen(0, host, () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const wait = 5_000

/** Sends one inline command and answers its reply as it was written, without the line break at its end. */
export const tell = (port: number, command: string): Effect.Effect<string, Error> =>
  Effect.async((resume) => {
    const socket = Net.connect({ host, port })
    let reply = ""
    socket.setTimeout(wait, () => resume(Effect.fail(new Error(`no answer within ${wait} ms`))))
    socket.once("error", (error) => resume(Effect.fail(error)))
    socket.on("data", (data) => {
      reply += data.toString("latin1")
      // A bulk reply names its length in its first line; every other one is that line.
      const [, length, head] = /^(?:\$(\d+)|[^$].*)(\r\n)/.exec(reply) ?? []
      if (head === undefined) return
      const from = reply.indexOf(head) + head.length
      if (length === undefined) resume(Effect.succeed(reply.trimEnd()))
      else if (reply.length >= from + Number(length)) resume(Effect.succeed(reply.slice(from, from + Number(length))))
    })
    socket.write(`${command}\r\n`)
    return Effect.sync(() => socket.destroy())
  })
