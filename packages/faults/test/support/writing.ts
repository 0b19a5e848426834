/**
 * One instance in a process of its own, over a store that it shares and a database that is a file. It renames whoever is
 * in the database, or says who is there; in the middle of a rename it may kill itself.
 */
import { NodeContext } from "@effect/platform-node"
import * as Cache from "@larder/cache/Cache"
import * as CacheKey from "@larder/cache/CacheKey"
import * as Reporter from "@larder/cache/Reporter"
import * as PlatformJournal from "@larder/platform/PlatformJournal"
import * as RedisStore from "@larder/redis/RedisStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"

/** Plain data, since it crosses to another process. */
export interface Order {
  readonly redis: string
  readonly database: string
  readonly journal: string | undefined
  /** Whom to rename it to; absent: says who is there. */
  readonly rename: string | undefined
  /** When it kills itself. */
  readonly killed: "before the write" | "after the write" | "never"
}

export const Key = CacheKey.make({ prefix: "who", key: () => ["there"], schema: Schema.String })()

export const find = (database: string) =>
  Cache.withCache(
    Effect.sync(() => Fs.readFileSync(database, "utf8")),
    Key,
    { timeToLive: "1 hour", awaitWrite: true }
  )

const die = Effect.sync(() => void process.kill(process.pid, "SIGKILL"))

const program = ({ database, killed, rename }: Order) =>
  rename === undefined
    ? find(database)
    : (killed === "before the write" ? die : Effect.void).pipe(
        Effect.zipRight(Effect.sync(() => Fs.writeFileSync(database, rename))),
        Effect.zipRight(killed === "after the write" ? die : Effect.void),
        Cache.withInvalidation({ keys: [Key] }),
        Effect.as("renamed")
      )

const live = ({ journal, redis }: Order) =>
  Layer.unwrapEffect(
    Effect.map(journal === undefined ? Effect.succeed(undefined) : PlatformJournal.makeFile(journal), (place) =>
      Cache.layerWith({ journal: place, storeTimeout: "10 seconds", storeBudget: "20 seconds" })
    )
  ).pipe(Layer.provide([RedisStore.layer({ url: redis }), Reporter.layerLog, NodeContext.layer]))

// In the process of a test this is a module like any other.
if (process.send !== undefined && process.argv[2] !== undefined) {
  const order = JSON.parse(process.argv[2]) as Order
  const answer = await Effect.runPromise(Effect.provide(program(order), live(order)))
  process.send(answer)
}
