/** The body of a request, bounded. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import { Refusal } from "./refusal.js"

/**
 * Beyond the limit nothing is kept, but the rest is read to its end: a client that is still writing would not read
 * the refusal.
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  maximumBytes: number
): Effect.Effect<Buffer, Refusal> =>
  Effect.async((resume) => {
    const source = NodeHttpServerRequest.toIncomingMessage(request)
    const chunks: Array<Buffer> = []
    let size = 0
    const keep = (chunk: Buffer) => {
      size += chunk.length
      if (size <= maximumBytes) chunks.push(chunk)
      else chunks.length = 0
    }
    const end = () =>
      resume(
        size <= maximumBytes
          ? Effect.succeed(Buffer.concat(chunks))
          : new Refusal({
              status: 413,
              error: `ERR max request size exceeded. Limit: ${maximumBytes} bytes, Actual: ${size} bytes`
            })
      )
    // A request that breaks off is interrupted by the server.
    source.on("data", keep).once("end", end)
    return Effect.sync(() => source.off("data", keep).off("end", end))
  })
