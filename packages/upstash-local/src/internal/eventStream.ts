/**
 * `/subscribe/{channel}`, `/psubscribe/{pattern}` and `/monitor` as event streams.
 *
 * What was asked of the encoding of answers is not asked of events, at Upstash as here: its client always asks for
 * base64 and never decodes an event.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Connection, Subscription } from "./connection.js"
import type { Refusal } from "./refusal.js"

type Response = HttpServerResponse.HttpServerResponse

/** A payload of several lines is several `data:` lines of one event, as the event stream format says. */
const event = (data: string): string => `data: ${data.split(/\r\n|\r|\n/).join("\ndata: ")}\n\n`

const respond = (events: Stream.Stream<string>): Response =>
  HttpServerResponse.stream(Stream.encodeText(Stream.map(events, event)), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store" }
  })

/** Each name is confirmed with the number of those that are followed by then, as Redis does. */
export const subscribe = (
  connection: Connection,
  kind: Subscription,
  names: ReadonlyArray<string>
): Effect.Effect<Response, Refusal, Scope.Scope> =>
  Effect.map(connection.subscribe(kind, names), (messages) => {
    const confirmations = names.map((name, index) => `${kind},${name},${index + 1}`)
    return respond(
      Stream.concat(
        Stream.fromIterable(confirmations),
        Stream.map(messages, (parts) => parts.join(","))
      )
    )
  })

export const monitor = (connection: Connection): Effect.Effect<Response, Refusal, Scope.Scope> =>
  Effect.map(connection.monitor, respond)
