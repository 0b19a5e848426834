/** `Upstash-Response-Format: resp2`: replies as a client of Redis itself would read them. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** A line of RESP2 cannot hold a line break. */
export const error = (message: string): Buffer => Buffer.from(`-${message.replace(/[\r\n]+/g, " ")}\r\n`)

export const isError = (reply: Buffer): boolean => reply[0] === "-".charCodeAt(0)

export const respond = (
  replies: ReadonlyArray<Buffer>,
  options: { readonly status: number; readonly headers: Record<string, string> }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.uint8Array(Buffer.concat(replies), { ...options, contentType: "application/octet-stream" })
