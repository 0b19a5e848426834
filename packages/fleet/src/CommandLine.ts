/** What `pnpm fleet` can be asked for. */
import * as Either from "effect/Either"
import { parseArgs } from "node:util"
import * as Databases from "./Databases.js"
import type * as Fleet from "./Fleet.js"

export interface Request extends Omit<Fleet.Options, "client" | "seed"> {
  readonly help: boolean
  /** Absent: both, one after the other. */
  readonly client: Fleet.Options["client"] | undefined
  /** Absent: another one each time. */
  readonly seed: string | undefined
}

export const defaults: Request = {
  help: false,
  client: undefined,
  database: "auto",
  seconds: 60,
  instances: 4,
  rate: 240,
  seed: undefined,
  memoryMillis: 2_000,
  bus: "pubsub"
}

export const usage = `Usage: pnpm fleet [--redis | --upstash] [--database WHICH] [--seconds N] [--instances N] [--rate N] [--seed S] [--memory-millis N]
                  [--bus WHICH]

Runs the feature flags as several processes over one database and one store, flips flags through any of them while
processes and the store are killed, frozen and restarted, and judges every answer. Prints what happened, and how long
after a flip was acknowledged another process still answered from before it.

  --redis            over a redis-server only
  --upstash          over a local Upstash server before a redis-server only. Default: one after the other
  --database WHICH   postgres: a PostgreSQL of its own; pglite: the embedded one; auto: the first where it is
                     installed, the second elsewhere. Default ${defaults.database}
  --seconds N        how long the load lasts, 5 to 3600. Default ${defaults.seconds}
  --instances N      how many processes, 2 to 4. Default ${defaults.instances}
  --rate N           requests a second of all readers together, 1 to 2000. Default ${defaults.rate}
  --seed S           what is broken when, and who asks what. Default: another one each time; it is printed
  --memory-millis N  how long a process answers from its memory without a word from elsewhere. Default ${defaults.memoryMillis}
  --bus WHICH        pubsub: they hear from each other by subscriptions; stream: they read every half second what the
                     others have changed. Default ${defaults.bus}
  --help             print this

It needs a redis-server on the PATH. It exits with 0 when no answer was stale, 1 when one was or something failed, 2
when the options make no sense, 3 when the database lost writes that it had acknowledged and explains what was stale.
Ctrl-C ends it earlier, with what was counted until then and 130. What is being done goes to standard error.
`

const options = {
  help: { type: "boolean", short: "h" },
  redis: { type: "boolean" },
  upstash: { type: "boolean" },
  database: { type: "string" },
  seconds: { type: "string" },
  instances: { type: "string" },
  rate: { type: "string" },
  seed: { type: "string" },
  "memory-millis": { type: "string" },
  bus: { type: "string" }
} as const

const values = (args: ReadonlyArray<string>) =>
  Either.try({
    // Package managers pass the separator on.
    try: () => parseArgs({ args: args.filter((arg) => arg !== "--"), options }).values,
    catch: (error) => (error instanceof Error ? error.message : String(error))
  })

const whole = (
  name: string,
  text: string | undefined,
  byDefault: number,
  least: number,
  most: number
): Either.Either<number, string> => {
  if (text === undefined) return Either.right(byDefault)
  return /^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most
    ? Either.right(Number(text))
    : Either.left(`--${name} wants a whole number from ${least} to ${most}`)
}

/** The options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Either.Either<Request, string> =>
  Either.gen(function* () {
    const given = yield* values(args)
    if (given.redis === true && given.upstash === true) {
      return yield* Either.left("--redis and --upstash each mean: only this one")
    }
    const database = given.database ?? defaults.database
    if (!Databases.isKind(database)) return yield* Either.left(`--database wants one of ${Databases.kinds.join(", ")}`)
    const bus = given.bus ?? defaults.bus
    if (bus !== "pubsub" && bus !== "stream") return yield* Either.left("--bus wants pubsub or stream")
    if (given.seed === "") return yield* Either.left("--seed wants a text")
    return {
      help: given.help === true,
      client: given.redis === true ? "redis" : given.upstash === true ? "upstash" : undefined,
      database,
      bus,
      seconds: yield* whole("seconds", given.seconds, defaults.seconds, 5, 3_600),
      instances: yield* whole("instances", given.instances, defaults.instances, 2, 4),
      rate: yield* whole("rate", given.rate, defaults.rate, 1, 2_000),
      seed: given.seed,
      memoryMillis: yield* whole("memory-millis", given["memory-millis"], defaults.memoryMillis, 100, 60_000)
    }
  })
