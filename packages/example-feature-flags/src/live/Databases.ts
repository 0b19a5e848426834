/** Which database the SQL goes to. */
import type { SqlError } from "@effect/sql/SqlError"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Options } from "../CommandLine.js"
import * as Database from "../Database.js"
import type { ThreadError } from "../Thread.js"

export type Failure = SqlError | ThreadError | ConfigError.ConfigError

const isUsable = (url: string) =>
  URL.canParse(url) && /^postgres(ql)?:$/.test(new URL(url).protocol) && new URL(url).hostname !== ""

/** Of a PostgreSQL that is there already, if the environment names one. */
export const url = Config.string("DATABASE_URL").pipe(
  Config.withDefault(""),
  Config.map((url) => url.trim()),
  Config.mapOrFail((url) => {
    if (url === "") return Either.right(Option.none())
    return isUsable(url)
      ? Either.right(Option.some(Redacted.make(url)))
      : Either.left(ConfigError.InvalidData(["DATABASE_URL"], "expected postgres://user:password@host:port/database"))
  })
)

/** With tables, empty; in a schema that `run` names where others have tables too. */
export const layer = (options: Options, run: string): Layer.Layer<Database.Database, Failure> =>
  Layer.unwrapEffect(
    Effect.map(options.useEnv ? url : Effect.succeedNone, (url) =>
      Layer.provideMerge(
        Database.layerTables,
        Option.isSome(url) ? Database.layerUrl(url.value, `larder_demo_${run}`) : Database.layerEmbedded
      )
    )
  )
