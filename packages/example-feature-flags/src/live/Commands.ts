/** A guard before a Redis that somebody pays for: it counts commands, and sends no more than was allowed. */
import * as RedisClient from "@larder/cache/RedisClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Commands extends Context.Tag("example-feature-flags/Commands")<
  Commands,
  {
    readonly sent: Effect.Effect<number>
    /** Deletes every key that begins with this text. Not limited: what was written must be removed. */
    readonly removeAll: (keyPrefix: string) => Effect.Effect<void, RedisClient.RedisError>
  }
>() {}

const spent = new RedisClient.RedisError({
  reason: "Rejected",
  code: "LIMIT",
  detail: "the demo has sent as many commands as --max-commands allows"
})

/** The same client, limited. `Infinity` only counts. */
export const layer = (
  maximum: number
): Layer.Layer<RedisClient.RedisClient | Commands, never, RedisClient.RedisClient> =>
  Layer.effectContext(
    Effect.map(RedisClient.RedisClient, (client) => {
      let sent = 0
      const spend = <A>(commands: number, effect: Effect.Effect<A, RedisClient.RedisError>) =>
        Effect.suspend(() => {
          if (sent + commands > maximum) return Effect.fail(spent)
          sent += commands
          return effect
        })
      return Context.empty().pipe(
        Context.add(RedisClient.RedisClient, {
          ...client,
          send: (commands) => spend(commands.length, client.send(commands)),
          publish: (channel, message) => spend(1, client.publish(channel, message))
        }),
        Context.add(Commands, {
          sent: Effect.sync(() => sent),
          removeAll: (keyPrefix) => removeAll(client, keyPrefix)
        })
      )
    })
  )

/** `SCAN` walks the whole database, and may answer a key twice or a page without any. */
const removeAll = (client: RedisClient.RedisClient["Type"], keyPrefix: string) => {
  const one = (...command: RedisClient.Command) => Effect.flatMap(client.send([command]), ([outcome]) => outcome!)
  const page = (cursor: string): Effect.Effect<void, RedisClient.RedisError> =>
    Effect.gen(function* () {
      const answer = (yield* one("SCAN", cursor, "MATCH", `${keyPrefix}*`, "COUNT", "1000")) as [string, Array<string>]
      const [next, keys] = answer
      const [first, ...others] = keys
      if (first !== undefined) yield* one("UNLINK", first, ...others)
      if (next !== "0") yield* page(next)
    })
  return page("0")
}
