/** What `pnpm faults` can be asked for. */
import * as Either from "effect/Either"
import type { Client } from "./Place.js"
import * as Scenario from "./Scenario.js"

export interface Options {
  readonly help: boolean
  /** None: all of them. */
  readonly only: ReadonlyArray<string>
  readonly client: Client | undefined
  readonly seconds: number
}

const names = Scenario.all.map(({ name }) => name)

export const usage = `Usage: pnpm faults [--only NAME,NAME] [--client redis|upstash] [--seconds N] [--help]

Breaks a redis-server of its own, or the way to it, while two instances of the feature flags example ask it and flip
flags, and prints what their callers got: one row for each fault and client.

  --only NAMES   only these: ${names.slice(0, 9).join(" ")}
                 ${names.slice(9).join(" ")}
  --client NAME  only this client: redis (native, over ioredis) or upstash (REST, over a local Upstash server)
  --seconds N    how long each fault lasts, 1 to 600. Default 4; those of ten minutes, compressed, keep their time
  --help         print this

It needs a redis-server on the PATH. It exits with 0 when every claim held, 1 when one did not or something failed,
2 when the options make no sense.
`

export const defaults: Options = { help: false, only: [], client: undefined, seconds: 4 }

const isClient = (value: string | undefined): value is Client => value === "redis" || value === "upstash"

/** The options, or what is wrong with them. */
export const parse = (args: ReadonlyArray<string>): Either.Either<Options, string> => {
  let options = defaults
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const [name, inline] = arg.startsWith("--") && arg.includes("=") ? arg.split(/=(.*)/s) : [arg, undefined]
    const value = () => inline ?? args[++i]
    if ((name === "--help" || name === "-h") && inline === undefined) options = { ...options, help: true }
    else if (name === "--only") {
      const only = (value() ?? "").split(",").filter((one) => one !== "")
      const unknown = only.find((one) => !names.includes(one))
      if (only.length === 0) return Either.left(`--only wants one of: ${names.join(" ")}`)
      if (unknown !== undefined) return Either.left(`there is no fault "${unknown}"; there are: ${names.join(" ")}`)
      options = { ...options, only }
    } else if (name === "--client") {
      const client = value()
      if (!isClient(client)) return Either.left("--client wants redis or upstash")
      options = { ...options, client }
    } else if (name === "--seconds") {
      const seconds = value() ?? ""
      if (!/^[1-9]\d{0,2}$/.test(seconds) || Number(seconds) > 600) {
        return Either.left("--seconds wants a whole number from 1 to 600")
      }
      options = { ...options, seconds: Number(seconds) }
    }
    // Package managers pass it on.
    else if (arg !== "--") return Either.left(`unknown option "${arg}"`)
  }
  return Either.right(options)
}
