/**
 * Upstash's routes over a connection: `/`, `/pipeline`, `/multi-exec`, `/subscribe/{channel}`, and every other path as
 * a command. Matched by hand: in a path command any segment may be a key or value, of any length.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import * as Authentication from "./authentication.js"
import * as Body from "./body.js"
import * as Command from "./command.js"
import type { Connection } from "./connection.js"
import { badRequest, Refusal } from "./refusal.js"
import * as Reply from "./reply.js"

export interface Options {
  readonly connection: Connection
  readonly token: Redacted.Redacted
  readonly maximumBytes: number
  /** Told how many commands a request holds, before they are carried out. */
  readonly onCommands: (count: number) => void
}

type Response = HttpServerResponse.HttpServerResponse

/** A payload of several lines is several `data:` lines of one event, as the event stream format says. */
const event = (data: string): string => `data: ${data.split(/\r\n|\r|\n/).join("\ndata: ")}\n\n`

const unauthorized = new Refusal({ status: 401, error: "WRONGPASS invalid or missing auth token" })
const notAllowed = new Refusal({ status: 405, error: "ERR method not allowed" })

export const make = ({ connection, maximumBytes, onCommands, token }: Options): HttpApp.Default<never, Scope.Scope> => {
  const isAuthentic = Authentication.make(token)
  const era = randomBytes(6).toString("hex")
  let answered = 0

  const json = (value: unknown, status = 200): Response =>
    HttpServerResponse.unsafeJson(value, { status, headers: { "upstash-sync-token": `${era}-${++answered}` } })

  const single = (command: Command.Command, base64: boolean) =>
    Effect.gen(function* () {
      onCommands(1)
      const refused = Command.refused(command)
      if (refused !== undefined) return yield* badRequest(refused)
      const [reply] = yield* connection.run([command])
      const answer = Reply.toAnswer(reply, base64)
      return json(answer, "error" in answer ? 400 : 200)
    })

  const pipeline = (commands: ReadonlyArray<Command.Command>, base64: boolean) =>
    Effect.gen(function* () {
      onCommands(commands.length)
      const refusals = commands.map(Command.refused)
      const replies = yield* connection.run(commands.filter((_, index) => refusals[index] === undefined))
      const next = replies[Symbol.iterator]()
      return json(
        refusals.map((error) => (error === undefined ? Reply.toAnswer(next.next().value, base64) : { error }))
      )
    })

  const transaction = (commands: ReadonlyArray<Command.Command>, base64: boolean) =>
    Effect.gen(function* () {
      onCommands(commands.length)
      const refused = commands.map(Command.refused).find((error) => error !== undefined)
      if (refused !== undefined) return yield* badRequest(refused)
      const replies = yield* connection.transaction(commands)
      if (replies instanceof Error) return yield* badRequest(replies.message)
      return json(replies.map((reply) => Reply.toAnswer(reply, base64)))
    })

  const subscribe = (channel: string) =>
    Effect.map(connection.subscribe(channel), (messages) =>
      messages.pipe(
        Stream.map((message) => event(`message,${channel},${message}`)),
        Stream.prepend(Chunk.of(event(`subscribe,${channel},1`))),
        Stream.encodeText,
        (body) =>
          HttpServerResponse.stream(body, {
            contentType: "text/event-stream",
            headers: { "cache-control": "no-store" }
          })
      )
    )

  const route = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Response, Refusal, Scope.Scope> =>
    Effect.gen(function* () {
      // An origin is needed to parse with, and none is read.
      const url = new URL(request.url, "http://localhost")
      if (!isAuthentic(request.headers["authorization"], url.searchParams.get("_token"))) return yield* unauthorized
      const writes = request.method === "POST" || request.method === "PUT"
      if (!writes && request.method !== "GET" && request.method !== "HEAD") return yield* notAllowed

      const base64 = request.headers["upstash-encoding"]?.toLowerCase() === "base64"
      const segments = yield* Command.segments(url.pathname)
      const [first, second] = segments
      const body = yield* Body.read(request, maximumBytes)
      if (segments.length === 1 && (first === "" || first === "pipeline" || first === "multi-exec")) {
        if (!writes) return yield* notAllowed
        if (first === "") return yield* single(yield* Command.fromBody(body), base64)
        const commands = yield* Command.listFromBody(body)
        return yield* first === "pipeline" ? pipeline(commands, base64) : transaction(commands, base64)
      }
      if (segments.length === 2 && first === "subscribe" && second !== undefined) return yield* subscribe(second)
      return yield* single(yield* Command.fromPath(segments, body, url.searchParams), base64)
    })

  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.catchTag(route(request), "Refusal", ({ error, status }) => Effect.succeed(json({ error }, status)))
  )
}
