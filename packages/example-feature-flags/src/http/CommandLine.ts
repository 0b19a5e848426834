/** What the server can be asked for. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { parseArgs } from "node:util"

export interface Options {
  readonly help: boolean
  readonly host: string
  readonly port: number
  /** How long memory may answer without asking the store or hearing from others. Zero: no memory. */
  readonly memory: Duration.Duration
  /** How the instances hear from each other, where they share a store. */
  readonly bus: "PubSub" | "Stream"
  readonly connections: number
  readonly schema: string
  /** The file that keeps invalidations over the end of the process, if there is to be one. */
  readonly journal: string | undefined
}

export const defaults: Options = {
  help: false,
  host: "127.0.0.1",
  port: 3000,
  memory: Duration.seconds(5),
  bus: "PubSub",
  connections: 4,
  schema: "larder_example",
  journal: undefined
}

export const usage = `Usage: pnpm serve [--port N] [--host ADDRESS] [--memory DURATION] [--bus WHICH] [--connections N] [--schema NAME] [--journal FILE] [--help]

The feature flags as an HTTP API: /docs for people, /openapi.json for programs. Without variables it runs on an embedded
PostgreSQL, seeded with two organisations, and caches in memory. Ctrl-C ends it after the requests under way, and so does
SIGTERM to pnpm or to the server; npx would end alone.

  --port N           the port to listen on; 0 takes any free one. Default ${defaults.port}
  --host ADDRESS     the address to listen on. Default ${defaults.host}: this machine only
  --memory DURATION  how long an answer may come from this process's memory without asking the store or hearing from the
                     other instances, "2 seconds" for instance; "0 seconds" always asks. Default "5 seconds". While
                     messages are lost, what another instance changes goes unnoticed here for so long
  --bus WHICH        pubsub: the instances hear from each other by a subscription; stream: they read every half second
                     what the others have changed. The same for all of them. Default pubsub
  --connections N    how many connections to the database. Default ${defaults.connections}
  --schema NAME      the schema of the tables, made and seeded when it is not there. Default ${defaults.schema}
  --journal FILE     keeps what is to be invalidated over the end of the process, also when it is killed in the middle of
                     a change: a file of each instance's own, that it finds again. Default: none
  --help             print this

Variables: DATABASE_URL names another PostgreSQL; REDIS_URL, or UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN,
the store that several instances share. The store needs the database: what it keeps must be true for all who read it.

It exits with 0 when it was told to end, 1 when it could not start, 2 when the options make no sense.
`

const options = {
  help: { type: "boolean", short: "h" },
  host: { type: "string" },
  port: { type: "string" },
  memory: { type: "string" },
  bus: { type: "string" },
  connections: { type: "string" },
  schema: { type: "string" },
  journal: { type: "string" }
} as const

const values = (args: ReadonlyArray<string>) =>
  Either.try({
    // Package managers pass the separator on.
    try: () => parseArgs({ args: args.filter((arg) => arg !== "--"), options }).values,
    catch: (error) => (error instanceof Error ? error.message : String(error))
  })

const whole = (name: string, text: string, least: number, most: number): Either.Either<number, string> =>
  /^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most
    ? Either.right(Number(text))
    : Either.left(`--${name} wants a whole number from ${least} to ${most}`)

/** Less than nothing would be taken for nothing. */
const duration = (text: string): Either.Either<Duration.Duration, string> =>
  Either.fromOption(
    Option.filter(Duration.decodeUnknown(text), () => !text.startsWith("-")),
    () => `--memory wants a number from 0 and a unit, such as "2 seconds" or "500 millis"`
  )

const buses = new Map<string | undefined, Options["bus"]>([
  [undefined, defaults.bus],
  ["pubsub", "PubSub"],
  ["stream", "Stream"]
])

/** The options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Either.Either<Options, string> =>
  Either.gen(function* () {
    const given = yield* values(args)
    const { host = defaults.host, schema = defaults.schema } = given
    if (host.trim() === "") return yield* Either.left(`--host wants an address, such as ${defaults.host}`)
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
      return yield* Either.left("--schema wants small letters, digits and underscores, a letter first")
    }
    const bus = buses.get(given.bus)
    if (given.journal?.trim() === "") return yield* Either.left("--journal wants the path of a file")
    if (bus === undefined) return yield* Either.left("--bus wants pubsub or stream")
    return {
      help: given.help === true,
      host,
      schema,
      bus,
      journal: given.journal,
      port: given.port === undefined ? defaults.port : yield* whole("port", given.port, 0, 65_535),
      memory: given.memory === undefined ? defaults.memory : yield* duration(given.memory),
      connections:
        given.connections === undefined ? defaults.connections : yield* whole("connections", given.connections, 1, 100)
    }
  })
