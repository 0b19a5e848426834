/**
 * Upstash's routes over a connection: `/`, `/pipeline`, `/multi-exec`, event streams, and every other path as a
 * command. Matched by hand: in a path command any segment may be a key or value, of any length.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Authentication from "./authentication.js"
import * as Body from "./body.js"
import * as Command from "./command.js"
import * as CommandTable from "./commandTable.js"
import type { Connection } from "./connection.js"
import * as EventStream from "./eventStream.js"
import * as Execute from "./execute.js"
import * as Permission from "./permission.js"
import { badRequest, Refusal } from "./refusal.js"
import type { Replica } from "./replica.js"
import * as SyncToken from "./syncToken.js"

export interface Options extends Authentication.Tokens {
  readonly connection: Connection
  readonly replica: Replica
  readonly maximumBytes: number
  /** Told how many commands a request holds, before they are carried out. */
  readonly onCommands: (count: number) => void
}

type Response = HttpServerResponse.HttpServerResponse
type Headers = Readonly<Record<string, string | undefined>>

const unauthorized = new Refusal({ status: 401, error: "WRONGPASS invalid or missing auth token" })
const notAllowed = new Refusal({ status: 405, error: "ERR method not allowed" })

/** How the answer is to be written. */
const formatOf = (headers: Headers): Effect.Effect<Execute.Asked["format"], Refusal> => {
  const format = headers["upstash-response-format"]?.toLowerCase() ?? "json"
  const base64 = headers["upstash-encoding"]?.toLowerCase() === "base64"
  if (format !== "json" && format !== "resp2") return badRequest("ERR Upstash-Response-Format is json or resp2")
  if (format === "resp2" && base64) return badRequest("ERR Upstash-Encoding base64 is not permitted with resp2")
  return Effect.succeed(base64 ? "base64" : format)
}

export const make = (options: Options): HttpApp.Default<never, Scope.Scope> => {
  const { connection, maximumBytes } = options
  const accessOf = Authentication.make(options)
  const syncTokens = SyncToken.make()
  const execute = Execute.make({ ...options, syncTokens, table: CommandTable.make(connection) })

  const listen = (route: string, names: ReadonlyArray<string>, access: Permission.Access) => {
    if (access !== "Full") return badRequest(Permission.noPermissionToListen(route))
    return route === "monitor"
      ? EventStream.monitor(connection)
      : EventStream.subscribe(connection, route as "subscribe" | "psubscribe", names)
  }

  const isEventStream = (first: string | undefined, names: ReadonlyArray<string>): first is string =>
    first === "monitor"
      ? names.length === 0
      : (first === "subscribe" || first === "psubscribe") && names.length > 0 && names.every((name) => name !== "")

  const route = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Response, Refusal, Scope.Scope> =>
    Effect.gen(function* () {
      // An origin is needed to parse with, and none is read.
      const url = new URL(request.url, "http://localhost")
      const access = accessOf(request.headers["authorization"], url.searchParams.get("_token"))
      if (access === undefined) return yield* unauthorized
      const writes = request.method === "POST" || request.method === "PUT"
      if (!writes && request.method !== "GET" && request.method !== "HEAD") return yield* notAllowed

      const segments = yield* Command.segments(url.pathname)
      const [first, ...others] = segments
      const body = yield* Body.read(request, maximumBytes)
      if (isEventStream(first, others)) return yield* listen(first, others, access)

      const format = yield* formatOf(request.headers)
      const asked = { access, format, syncToken: request.headers["upstash-sync-token"] }
      if (others.length === 0 && (first === "" || first === "pipeline" || first === "multi-exec")) {
        if (!writes) return yield* notAllowed
        if (first === "") return yield* execute.single(yield* Command.fromBody(body), asked)
        const commands = yield* Command.listFromBody(body)
        return yield* first === "pipeline" ? execute.pipeline(commands, asked) : execute.transaction(commands, asked)
      }
      return yield* execute.single(yield* Command.fromPath(segments, body, url.searchParams), asked)
    })

  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.catchTag(route(request), "Refusal", ({ error, status }) =>
      Effect.sync(() =>
        HttpServerResponse.unsafeJson({ error }, { status, headers: { "upstash-sync-token": syncTokens.issue(0) } })
      )
    )
  )
}
