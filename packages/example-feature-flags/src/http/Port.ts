/** Whether a port can be listened on: asked before anything is started that takes its time. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Net from "node:net"
import type { Options } from "./Server.js"

export class PortError extends Data.TaggedError("PortError")<{ readonly message: string }> {}

const refused = ({ host, port }: Options, code: string | undefined): PortError => {
  switch (code) {
    case "EADDRINUSE":
      return new PortError({ message: `port ${port} of ${host} is in use: choose another one with --port, 0 for any` })
    case "EACCES":
      return new PortError({ message: `port ${port} is not for this user: choose one from 1024 on with --port` })
    default:
      return new PortError({ message: `nothing can listen on ${host} (${code}): choose another address with --host` })
  }
}

/** Listens, and stops at once. */
export const check = (options: Options): Effect.Effect<void, PortError> =>
  Effect.async((resume) => {
    const server = Net.createServer()
    server.once("error", (error: NodeJS.ErrnoException) => resume(Effect.fail(refused(options, error.code))))
    server.listen(options.port, options.host, () => server.close(() => resume(Effect.void)))
  })
