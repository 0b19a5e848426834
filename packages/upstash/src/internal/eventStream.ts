/**
 * Subscriptions over an event stream: one line `data: message,{channel},{payload}` for each message.
 *
 * The vendor's own reader says nothing when the connection drops, parses payloads as JSON, and cuts one that has a
 * line break. This one fails when the stream ends, for whatever reason, hands payloads on as they are, and fails on a
 * line it cannot read, which is the rest of a payload with a line break.
 */
import type { RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { badReply, fromNetwork, fromText, unavailable } from "./redisError.js"
import type { Settings } from "./settings.js"

/** A line is whole when its end was seen: what a broken stream leaves over is no message. */
const lines = <E>(text: Stream.Stream<string, E>): Stream.Stream<string, E> =>
  text.pipe(
    Stream.mapAccum("", (before, text) => {
      const parts = `${before}${text}`.split(/\r?\n/)
      return [parts.pop() ?? "", parts]
    }),
    Stream.flattenIterables
  )

/** A message, `undefined` for a line that says nothing, or a failure. */
const payload = (channel: string, line: string): Effect.Effect<string | undefined, RedisError> => {
  if (!line.startsWith("data:")) return Effect.succeed(undefined)
  const data = line.slice(line[5] === " " ? 6 : 5)
  const message = `message,${channel},`
  if (data.startsWith(message)) return Effect.succeed(data.slice(message.length))
  return data.startsWith(`subscribe,${channel},`)
    ? Effect.succeed(undefined)
    : badReply("a line of the event stream is no message of the channel")
}

const open = (
  settings: Settings,
  channel: string
): Effect.Effect<ReadableStream<Uint8Array>, RedisError, Scope.Scope> =>
  Effect.gen(function* () {
    const { token, url } = settings
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const response = yield* Effect.tryPromise({
      try: () =>
        fetch(`${url}/subscribe/${encodeURIComponent(channel)}`, {
          method: "POST",
          headers: { authorization: `Bearer ${Redacted.value(token)}`, accept: "text/event-stream" },
          signal: controller.signal
        }),
      catch: fromNetwork(settings)
    })
    if (!response.ok) {
      const text = yield* Effect.tryPromise({ try: () => response.text(), catch: fromNetwork(settings) })
      return yield* Effect.flatMap(
        Effect.try({ try: () => JSON.parse(text) as unknown, catch: () => badReply("the answer is not JSON") }),
        (body) => fromText(String((body as { readonly error?: unknown } | null)?.error))
      )
    }
    if (response.body === null || !/^text\/event-stream\b/.test(response.headers.get("content-type") ?? "")) {
      return yield* badReply("the answer is not an event stream")
    }
    return response.body
  })

export const subscribe = (settings: Settings, channel: string): Stream.Stream<string, RedisError> =>
  Stream.unwrapScoped(
    Effect.map(open(settings, channel), (body) =>
      Stream.fromReadableStream({ evaluate: () => body, onError: fromNetwork(settings) }).pipe(
        Stream.decodeText(),
        lines,
        Stream.mapEffect((line) => payload(channel, line)),
        Stream.filter((message) => message !== undefined),
        Stream.concat(Stream.fail(unavailable("the event stream ended")))
      )
    )
  )
