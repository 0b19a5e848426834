/**
 * Upstash over HTTP, as the client that `RedisStore` asks for: text only, one request for a list of commands, no
 * retries, no time limit, no batching of its own.
 *
 * Interrupting a command closes its connection. The command may have been carried out all the same.
 *
 * Reads of Upstash are eventually consistent between regions; a client sees its own writes.
 *
 * @since 0.1.0
 */
import { RedisClient } from "@larder/cache/RedisClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as EventStream from "./internal/eventStream.js"
import { fromClient, isAccessDenied, refused } from "./internal/redisError.js"
import * as Replies from "./internal/replies.js"
import * as Requester from "./internal/requester.js"
import * as Settings from "./internal/settings.js"

/**
 * Where the database is. Both stand in Upstash's console, and in `UPSTASH_REDIS_REST_URL` and
 * `UPSTASH_REDIS_REST_TOKEN` where its integrations set them. White space around them is ignored.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The `https://` URL of the REST API. */
  readonly url: string
  readonly token: Redacted.Redacted
}

const fromSettings = (settings: Settings.Settings): Context.Tag.Service<RedisClient> => {
  const request = Requester.make(settings)

  const post = (path: ReadonlyArray<string>, body: unknown) =>
    Effect.tryPromise({ try: (signal) => request(path, body, signal), catch: fromClient(settings) })

  /** A command that is sent alone and refused by Redis is refused with an HTTP status: an outcome, not a failure. */
  const one = (command: ReadonlyArray<unknown>) =>
    post([], command).pipe(
      Effect.flatMap((answer) => Replies.outcomes([answer], 1)),
      Effect.catchIf(
        (error) => error.reason === "Rejected" && !isAccessDenied(error),
        (error) => Effect.succeed([Either.left(error)])
      )
    )

  const many = (commands: ReadonlyArray<ReadonlyArray<unknown>>) =>
    Effect.flatMap(post(["pipeline"], commands), (answers) => Replies.outcomes(answers, commands.length))

  const send: Context.Tag.Service<RedisClient>["send"] = (commands) =>
    Effect.suspend(() => {
      const [first, ...others] = commands
      if (first === undefined) return Effect.succeed([])
      const error = Replies.notText(commands)
      if (error !== undefined) return error
      return others.length === 0 ? one(first) : many(commands)
    })

  const oneLine = (text: string) => !/[\r\n]/.test(text)

  return {
    name: "upstash",
    encoding: "text",
    cluster: false,
    send,
    publish: (channel, message) =>
      oneLine(channel) && oneLine(message)
        ? Effect.asVoid(Effect.flatMap(send([["PUBLISH", channel, message]]), ([outcome]) => outcome!))
        : refused("a line break does not cross Upstash's event stream: encode the message"),
    subscribe: (channel) =>
      oneLine(channel)
        ? EventStream.subscribe(settings, channel)
        : Stream.fail(refused("a channel's name with a line break does not cross Upstash's event stream"))
  }
}

/**
 * A client; nothing is sent until it is used. Fails with `InvalidData` when the address or the token cannot be used.
 *
 * A message with a line break is refused by `publish`, because the event stream would cut it. Where one was published
 * by other means, `subscribe` fails with `BadReply`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Context.Tag.Service<RedisClient>, ConfigError.ConfigError> =>
  Effect.map(Settings.make({ url: "url", token: "token" }, options.url, options.token), fromSettings)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<RedisClient, ConfigError.ConfigError> =>
  Layer.effect(RedisClient, make(options))

/**
 * From a configuration of your own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (config: Config.Config.Wrap<Options>): Layer.Layer<RedisClient, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(config), layer))
