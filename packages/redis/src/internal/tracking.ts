/**
 * What others do to the keys under a prefix, as the server tells it: client tracking in its broadcasting mode, which
 * speaks of every key, and not of what the connection for commands does itself, save by scripts.
 *
 * The server tells it on a connection of its own and remembers it with the connection for commands, so it ends when
 * either does, and begins anew with both.
 */
import { type RedisError } from "@larder/cache/RedisClient"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Opened } from "./connection.js"
import type { Link } from "./link.js"
import { refusedOr, listen } from "./subscription.js"

/** Where a connection that does not speak RESP3 hears of it. */
const channel = "__redis__:invalidate"

type Changes = ReadonlyArray<string> | "everything"

const hear = (redis: Opened["redis"], offer: (changes: Changes) => void): void => {
  // The server sends a list of names where a channel has a text, and nothing when the database was emptied.
  redis.on("messageBuffer", (_channel: Buffer, names: unknown) => {
    offer(Array.isArray(names) ? names.map(String) : "everything")
  })
}

export const changes = (
  open: Effect.Effect<Opened, RedisError, Scope.Scope>,
  link: Link,
  prefix: string
): Stream.Stream<Changes, RedisError> =>
  Stream.unwrap(
    Effect.map(link.connection, (commands) => {
      const begin = (redis: Opened["redis"]) =>
        Effect.map(
          Effect.tryPromise({
            try: () => redis.client("ID"),
            catch: refusedOr("the server does not say which connection this is")
          }),
          (id) =>
            // A connection that tracked for the one before would refuse the same prefix.
            Effect.flatMap(
              Effect.promise(() =>
                commands.send([
                  ["CLIENT", "TRACKING", "OFF"],
                  ["CLIENT", "TRACKING", "ON", "REDIRECT", String(id), "BCAST", "PREFIX", prefix, "NOLOOP"]
                ])
              ),
              ([, outcome]) => Effect.asVoid(outcome!)
            )
        )
      const heard = listen(open, channel, hear, begin)
      return Stream.merge(heard, Stream.fromEffect(Effect.flip(commands.lost)), { haltStrategy: "either" })
    })
  )
