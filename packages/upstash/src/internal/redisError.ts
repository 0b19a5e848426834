/**
 * The border where errors of the vendor become ours.
 *
 * The client's errors repeat the whole command with its values (for a pipeline, those of the whole batch), and so
 * does their `cause`. An error of Redis repeats the arguments of a command it does not know. So neither text nor
 * cause passes: only a code word of a closed set, and sentences of ours.
 */
import { RedisError } from "@larder/cache/RedisClient"
import { errors } from "@upstash/redis"
import type { Settings } from "./settings.js"

const codes: ReadonlySet<string> = new Set(
  `ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT LOADING MASTERDOWN MISCONF MOVED NOAUTH
   NOGROUP NOPERM NOREPLICAS NOSCRIPT OOM READONLY TRYAGAIN UNKILLABLE WRONGPASS WRONGTYPE`.split(/\s+/)
)

export const unavailable = (detail: string) => new RedisError({ reason: "Unavailable", code: "", detail })

export const badReply = (detail: string) => new RedisError({ reason: "BadReply", code: "", detail })

export const refused = (detail: string) => new RedisError({ reason: "Rejected", code: "", detail })

/** A text that a server sent as `{"error"}`. Without a code word it is the word of a proxy, not of Redis. */
export const fromText = (text: string): RedisError => {
  const code = /^[A-Z]+(?![a-z])/.exec(text)?.[0] ?? ""
  if (/^Unauthorized\b/i.test(text)) return new RedisError({ reason: "Rejected", code: "WRONGPASS", detail: "" })
  if (code === "") return unavailable("the server answered with an error of its own")
  return new RedisError({
    reason: "Rejected",
    code: codes.has(code) ? code : "ERR",
    detail: text.startsWith("ERR max ") ? "a limit of the database's plan is reached" : ""
  })
}

/** The name that Node gives a broken connection: `ECONNREFUSED`, `UND_ERR_SOCKET`. */
const networkCode = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined) : undefined
  return typeof cause?.code === "string" && /^(E|UND_ERR_)[A-Z_]+$/.test(cause.code) ? ` (${cause.code})` : ""
}

/** Nothing was answered by a host. */
export const fromNetwork =
  ({ host }: Settings) =>
  (error: unknown): RedisError =>
    unavailable(`no answer from ${host}${networkCode(error)}`)

/** Whatever a request of the vendor's client rejected with. */
export const fromClient =
  (settings: Settings) =>
  (error: unknown): RedisError =>
    error instanceof errors.UpstashJSONParseError
      ? badReply("the answer is not JSON")
      : error instanceof errors.UpstashError
        ? fromText(error.message)
        : fromNetwork(settings)(error)

/** The server did not let us in, so nothing that was sent was carried out. */
export const isAccessDenied = (error: RedisError): boolean => error.code === "WRONGPASS" || error.code === "NOAUTH"
