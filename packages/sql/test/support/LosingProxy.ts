/**
 * A way to PostgreSQL on which the answer to a COMMIT is lost: the server has committed, and the connection ends before
 * the client hears of it.
 */
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Address } from "./Postgres.js"

const socketOf = ({ host, port }: Address): string => join(host, `.s.PGSQL.${port}`)

export const listen = (server: Address) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-proxy-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    const address = { ...server, host: folder }
    const proxy = Net.createServer((client) => {
      const upstream = Net.connect(socketOf(server))
      let loses = false
      const end = () => [client, upstream].forEach((socket) => socket.destroy())
      client.on("data", (data) => {
        loses ||= data.includes("COMMIT")
        upstream.write(data)
      })
      upstream.on("data", (data) => (loses ? end() : client.write(data)))
      for (const socket of [client, upstream]) socket.on("error", end).on("close", end)
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void proxy.listen(socketOf(address), () => resume(Effect.void))),
      () => Effect.sync(() => proxy.close())
    )
    return address
  })
