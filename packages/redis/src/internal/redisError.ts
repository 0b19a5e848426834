/**
 * The border where errors of ioredis become ours.
 *
 * An error of ioredis carries the whole command with its arguments, the password of an AUTH among them, and one of
 * Redis repeats the arguments of a command it does not know. So neither text nor cause passes: only a code word of a
 * closed set, the name that Node gives a broken connection, and sentences of ours.
 */
import { RedisError } from "@larder/cache/RedisClient"

const codes: ReadonlySet<string> = new Set(
  `ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT LOADING MASTERDOWN MISCONF MOVED NOAUTH
   NOGROUP NOPERM NOREPLICAS NOSCRIPT OOM READONLY TRYAGAIN UNKILLABLE WRONGPASS WRONGTYPE`.split(/\s+/)
)

export const unavailable = (detail: string) => new RedisError({ reason: "Unavailable", code: "", detail })

export const badReply = (detail: string) => new RedisError({ reason: "BadReply", code: "", detail })

export const rejected = (code: string, detail: string) => new RedisError({ reason: "Rejected", code, detail })

/** Whether the server said it, and not the connection. */
export const isAnswer = (error: unknown): error is Error =>
  error instanceof Error && (error.name === "ReplyError" || error.constructor.name === "ReplyError")

/** What the server refused. */
export const fromAnswer = (error: Error, detail = ""): RedisError => {
  const code = /^[A-Z]+(?![a-z])/.exec(error.message)?.[0] ?? ""
  return rejected(codes.has(code) ? code : "ERR", detail)
}

/** The name that Node gives a broken connection or a refused certificate: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
const networkCode = (error: unknown): string => {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined
  return typeof code === "string" && /^[A-Z][A-Z_]+$/.test(code) ? ` (${code})` : ""
}

/** No answer: the connection is gone, or could not be made. */
export const fromNetwork = (detail: string, error: unknown): RedisError => unavailable(`${detail}${networkCode(error)}`)
