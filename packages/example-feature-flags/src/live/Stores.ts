/** Which store stands behind the cache, and what to say of it. */
import type { RedisClient } from "@larder/cache/RedisClient"
import * as RedisStore from "@larder/cache/RedisStore"
import * as Store from "@larder/cache/Store"
import * as RedisServer from "@larder/redis-server/RedisServer"
import * as Faults from "@larder/testing/Faults"
import * as UpstashCache from "@larder/upstash/UpstashCache"
import * as UpstashClient from "@larder/upstash/UpstashClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import type { Options } from "../CommandLine.js"
import type { Chosen, Outage } from "../Stage.js"
import * as Thread from "../Thread.js"
import * as Commands from "./Commands.js"

export class Choice extends Context.Tag("example-feature-flags/live/Choice")<Choice, Chosen>() {}

type Stores<E = never> = Layer.Layer<Store.Store | Choice, E>

export type Failure = ConfigError.ConfigError | RedisServer.RedisServerError | Thread.ThreadError

/** Where no server of ours can be frozen, the store is wrapped in a switch. */
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

const redis = <E>(keyPrefix: string, maximum: number, client: Layer.Layer<RedisClient, E>) =>
  RedisStore.layerWith({ keyPrefix }).pipe(Layer.provideMerge(Commands.layer(maximum)), Layer.provide(client))

/** A redis-server of our own behind a local Upstash: everything is real but the distance. */
export const local: Stores<Failure> = Layer.effect(
  Choice,
  Effect.gen(function* () {
    const server = yield* RedisServer.RedisServer
    const commands = yield* Commands.Commands
    return {
      name: "Upstash, spoken by a local server before a redis-server started for this run",
      why: "a redis-server is on the PATH",
      outage: { what: "the redis-server was frozen (SIGSTOP)", begin: server.suspend, end: server.resume },
      commands: Option.some(commands.sent)
    }
  })
).pipe(
  Layer.provideMerge(
    Layer.unwrapScoped(
      Effect.gen(function* () {
        const { url: redisUrl } = yield* RedisServer.RedisServer
        const token = randomBytes(24).toString("base64url")
        const { port } = yield* Thread.start(new URL("./upstashLocal.mjs", import.meta.url), { redisUrl, token })
        const options = { url: `http://127.0.0.1:${port}`, token: Redacted.make(token) }
        return redis("larder:", Infinity, UpstashClient.layer(options))
      })
    )
  ),
  Layer.provide(RedisServer.layer)
)

/** The Upstash of the environment, under a key prefix of its own that is removed with the scope. */
const upstash = (
  choice: Extract<UpstashCache.Choice, { _tag: "Upstash" }>,
  keyPrefix: string,
  maximum: number
): Stores<Failure> => {
  const client = UpstashClient.layerConfig({
    url: Config.string(choice.variables.url),
    token: Config.redacted(choice.variables.token)
  })
  return Layer.scoped(
    Choice,
    Effect.gen(function* () {
      const commands = yield* Commands.Commands
      yield* Effect.addFinalizer(() =>
        Effect.catchAllCause(commands.removeAll(keyPrefix), () =>
          Effect.logWarning(`the keys under ${keyPrefix} could not be removed; they expire by themselves`)
        )
      )
      return {
        name: `Upstash at ${choice.host}, keys under "${keyPrefix}", at most ${maximum} commands`,
        why: `${choice.variables.url} and ${choice.variables.token} are set`,
        outage: yield* switchOff,
        commands: Option.some(commands.sent)
      }
    })
  ).pipe(Layer.provideMerge(Faults.layer), Layer.provideMerge(redis(keyPrefix, maximum, client)))
}

/** `run` names what is written where others write too. */
export const layer = (options: Options, run: string): Stores<Failure> =>
  Layer.unwrapEffect(
    Effect.gen(function* () {
      if (!options.useEnv) {
        return (yield* RedisServer.available)
          ? local
          : memory(`no redis-server is on the PATH (${RedisServer.installHint})`)
      }
      const choice = yield* UpstashCache.choice
      return choice._tag === "Upstash"
        ? upstash(choice, `larder-demo-${run}:`, options.maxCommands)
        : memory(choice.sentence)
    })
  )
