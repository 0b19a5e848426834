/** What the demo can be asked for. */
import * as Either from "effect/Either"

export interface Options {
  readonly useEnv: boolean
  readonly help: boolean
  readonly maxCommands: number
}

export const usage = `Usage: pnpm demo [--use-env] [--max-commands N] [--help]

Tells in six acts what a cache does for a repository of feature flags on a real SQL database.
Without options it runs on what it starts itself: PostgreSQL embedded in this process and, when a redis-server is on
the PATH, that one behind a local Upstash server; a store in memory otherwise.

  --use-env         use what these variables point to, in a schema and under a key prefix of its own, removed at the end:
                    DATABASE_URL (else the embedded database),
                    UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN (else a store in memory)
  --max-commands N  with --use-env: send at most N commands to Upstash. Default 20000
  --help            print this

It exits with 0 when every claim held, 1 when one did not or something failed, 2 when the options make no sense.
`

export const defaults: Options = { useEnv: false, help: false, maxCommands: 20_000 }

/** The options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Either.Either<Options, string> => {
  let options = defaults
  let limited = false
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const [name, inline] = arg.startsWith("--") && arg.includes("=") ? arg.split(/=(.*)/s) : [arg, undefined]
    if (name === "--max-commands") {
      const value = inline ?? args[++i]
      if (value === undefined || !/^[1-9]\d{0,8}$/.test(value)) {
        return Either.left(
          `--max-commands wants a whole number from 1, not ${value === undefined ? "nothing" : `"${value}"`}`
        )
      }
      options = { ...options, maxCommands: Number(value) }
      limited = true
    } else if (name === "--use-env" && inline === undefined) options = { ...options, useEnv: true }
    else if ((name === "--help" || name === "-h") && inline === undefined) options = { ...options, help: true }
    // Package managers pass it on.
    else if (arg !== "--") return Either.left(`unknown option "${arg}"`)
  }
  return limited && !options.useEnv && !options.help
    ? Either.left("--max-commands limits what is sent to Upstash: it needs --use-env")
    : Either.right(options)
}
