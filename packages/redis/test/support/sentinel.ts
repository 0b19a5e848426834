/** A real sentinel that watches a primary, for a test; it ends with the scope. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-redis-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const freePort = Effect.async<number>((resume) => {
  const probe = Net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as Net.AddressInfo
    probe.close(() => resume(Effect.succeed(port)))
  })
})

export const name = "primary"

/** The port of a sentinel of the primary at `port`, with a password of its own. */
export const start = (port: number, password: string) =>
  Effect.gen(function* () {
    const dir = yield* folder
    const own = yield* freePort
    const config = join(dir, "sentinel.conf")
    const lines = [
      `port ${own}`,
      "bind 127.0.0.1",
      `dir ${dir}`,
      `requirepass ${password}`,
      `sentinel monitor ${name} 127.0.0.1 ${port} 1`,
      `sentinel down-after-milliseconds ${name} 300`,
      `sentinel failover-timeout ${name} 1000`
    ]
    writeFileSync(config, lines.join("\n"))
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn("redis-server", [config, "--sentinel"], { stdio: "ignore" })),
      (child) =>
        Effect.async<void>((resume) => {
          if (child.exitCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        })
    )
    return own
  })
