/**
 * The composition: the only file that knows which store stands behind the cache. Everything else sees `Store`, and
 * most of it only `Features`.
 */
import type { SqlError } from "@effect/sql/SqlError"
import type { RedisClient } from "@larder/cache/RedisClient"
import * as RedisStore from "@larder/cache/RedisStore"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Faults from "@larder/testing/Faults"
import * as RedisServer from "@larder/upstash-local/RedisServer"
import * as UpstashLocal from "@larder/upstash-local/UpstashLocal"
import * as UpstashCache from "@larder/upstash/UpstashCache"
import * as UpstashClient from "@larder/upstash/UpstashClient"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { Options } from "./CommandLine.js"
import * as Commands from "./Commands.js"
import * as Database from "./Database.js"
import * as Organisation from "./Organisation.js"
import { seed } from "./Seed.js"
import { type Chosen, type Outage, Stage } from "./Stage.js"
import { Story } from "./Story.js"
import type { ThreadError } from "./Thread.js"

/** The store that was chosen, and what to say of it. */
class Choice extends Context.Tag("example-feature-flags/Live/Choice")<Choice, Chosen>() {}

type Stores<E = never> = Layer.Layer<Store.Store | Choice, E>

/** Where nothing real can be frozen, the store is wrapped in a switch. */
const switchOff: Effect.Effect<Outage, never, Faults.Faults> = Effect.map(Faults.Faults, (faults) => ({
  what: "the store was made to hang",
  begin: faults.set({ fault: Faults.hang, span: "onwards" }),
  end: faults.clear
}))

const memory = (why: string): Stores =>
  Layer.effect(
    Choice,
    Effect.map(switchOff, (outage) => ({ name: "this process's memory", why, outage, commands: Option.none() }))
  ).pipe(Layer.provideMerge(Faults.layer), Layer.provide(Store.layerMemory))

const overClient = <E>(keyPrefix: string, maximum: number, client: Layer.Layer<RedisClient, E>) =>
  RedisStore.layerWith({ keyPrefix }).pipe(
    Layer.provideMerge(Commands.layer(maximum)),
    Layer.provide(client)
  )

/** A redis-server of our own behind a local Upstash: everything is real but the distance. */
const local: Stores<UpstashLocal.UpstashLocalError | RedisServer.RedisServerError | ConfigError.ConfigError> =
  Layer.effect(
    Choice,
    Effect.gen(function* () {
      const redis = yield* RedisServer.RedisServer
      const commands = yield* Commands.Commands
      return {
        name: "Upstash, spoken by a local server in front of a redis-server started for this run",
        why: "a redis-server is on the PATH",
        outage: { what: "the redis-server was frozen (SIGSTOP)", begin: redis.suspend, end: redis.resume },
        commands: Option.some(commands.sent)
      }
    })
  ).pipe(
    Layer.provideMerge(
      Layer.unwrapEffect(
        Effect.map(UpstashLocal.UpstashLocal, ({ token, url }) =>
          overClient("larder:", Infinity, UpstashClient.layer({ url, token }))
        )
      )
    ),
    Layer.provide(UpstashLocal.layerWithRedis())
  )

/** The Upstash of the environment, under a key prefix of its own that is removed with the scope. */
const upstash = (
  choice: Extract<UpstashCache.Choice, { _tag: "Upstash" }>,
  keyPrefix: string,
  maximum: number
): Stores<ConfigError.ConfigError> =>
  Layer.scoped(
    Choice,
    Effect.gen(function* () {
      const commands = yield* Commands.Commands
      yield* Effect.addFinalizer(() =>
        Effect.catchAllCause(commands.removeAll(keyPrefix), (cause) =>
          Effect.logWarning(`the keys under ${keyPrefix} could not be removed; they expire by themselves`, cause)
        )
      )
      return {
        name: `Upstash at ${choice.host}, keys under "${keyPrefix}", at most ${maximum} commands`,
        why: `${choice.variables.url} and ${choice.variables.token} are set`,
        outage: yield* switchOff,
        commands: Option.some(commands.sent)
      }
    })
  ).pipe(
    Layer.provideMerge(Faults.layer),
    Layer.provideMerge(
      overClient(
        keyPrefix,
        maximum,
        UpstashClient.layerConfig({
          url: Config.string(choice.variables.url),
          token: Config.redacted(choice.variables.token)
        })
      )
    )
  )

const runName = Effect.map(Random.nextIntBetween(0, 2 ** 31 - 1), (n) => n.toString(36).padStart(6, "0"))

const store = (options: Options, run: string) =>
  Effect.gen(function* () {
    if (!options.useEnv) {
      return (yield* UpstashLocal.available)
        ? local
        : memory(`no redis-server is on the PATH (${RedisServer.installHint})`)
    }
    const choice = yield* UpstashCache.choice
    return choice._tag === "Upstash"
      ? upstash(choice, `larder-demo-${run}:`, options.maxCommands)
      : memory(choice.sentence)
  }).pipe(Layer.unwrapEffect)

const databaseUrl = Config.redacted("DATABASE_URL").pipe(
  Config.map(Redacted.value),
  Config.map((url) => url.trim()),
  Config.withDefault(""),
  Config.mapOrFail((url) => {
    if (url === "") return Either.right(Option.none())
    const usable = URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol) && new URL(url).hostname !== ""
    return usable
      ? Either.right(Option.some(Redacted.make(url)))
      : Either.left(ConfigError.InvalidData(["DATABASE_URL"], "expected postgres://user:password@host:port/database"))
  })
)

const database = (options: Options, run: string) =>
  Effect.map(options.useEnv ? databaseUrl : Effect.succeedNone, (url) =>
    Layer.provideMerge(
      Database.layerTables,
      Option.isSome(url) ? Database.layerUrl(url.value, `larder_demo_${run}`) : Database.layerEmbedded
    )
  ).pipe(Layer.unwrapEffect)

/** The same in every run, so that runs can be compared. Through a network there are fewer checks: somebody waits. */
const size: Organisation.Size = { users: 5000, organisations: 5 }
const requests = { local: 3000, remote: 1500 }

const stage = (options: Options) =>
  Layer.effect(
    Stage,
    Effect.gen(function* () {
      const story = yield* Story
      const organisation = yield* Organisation.make(size)
      yield* story.progress("seeding the database", 1, () => Effect.provide(seed(organisation), Database.layerClient))
      return {
        organisation,
        requests: options.useEnv ? requests.remote : requests.local,
        chosen: yield* Choice,
        // One line for each kind of failure is enough for a story.
        reporter: Reporter.layerLogWith({ burst: 1 })
      }
    })
  )

type Failure =
  | SqlError
  | ThreadError
  | ConfigError.ConfigError
  | UpstashLocal.UpstashLocalError
  | RedisServer.RedisServerError

export const layer = (
  options: Options
): Layer.Layer<Stage | Store.Store | Database.Database, Failure, Story> =>
  Layer.unwrapEffect(
    Effect.map(runName, (run) =>
      stage(options).pipe(
        Layer.provideMerge(store(options, run)),
        Layer.provideMerge(database(options, run))
      )
    )
  )
