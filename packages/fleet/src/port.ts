/** A port of this machine that nobody uses now. */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

export const free: Effect.Effect<number> = Effect.async((resume) => {
  const probe = Net.createServer()
  probe.once("error", (error) => resume(Effect.die(error)))
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})
