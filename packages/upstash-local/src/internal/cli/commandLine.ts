/** What the program can be asked for. */
import * as Either from "effect/Either"
import { parseArgs } from "node:util"

export interface Serve {
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly readOnlyToken: string | undefined
  readonly redisUrl: string | undefined
}

export type Request =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Serve"; readonly options: Serve }

/** Where the local stand-ins for Upstash are looked for by convention. */
const defaultPort = 8079

export const usage = `Usage: npx @larder/upstash-local [options]

Upstash's REST API in front of a redis-server, for development and CI. Prints the two variables that
clients of Upstash read, and serves until it is interrupted.

  --port N              the port to listen on; 0 takes any free one. Default ${defaultPort}
  --host ADDRESS        the address to listen on. Default 127.0.0.1: this machine only
  --token TOKEN         the token of every request. Default: the variable UPSTASH_REDIS_REST_TOKEN,
                        else a random one
  --read-only-token T   a second token, with which nothing can be written. Default: none
  --redis-url URL       the server behind it: redis://user:password@host:port/db or rediss://…
                        Default: starts a redis-server of its own from the PATH, empty, which ends with it
  --help                print this
  --version             print the version

It exits with 0 when it was interrupted, 1 when it could not start, 2 when the options make no sense.
`

/** What a header can carry and a shell takes without quotes is not asked for: only that it is one visible word. */
const isToken = (text: string): boolean => /^[!-~]+$/.test(text)

const isRedisUrl = (text: string): boolean => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol)

const options = {
  port: { type: "string" },
  host: { type: "string" },
  token: { type: "string" },
  "read-only-token": { type: "string" },
  "redis-url": { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" }
} as const

const parsed = (args: ReadonlyArray<string>) =>
  Either.try({
    try: () => parseArgs({ args: [...args], options }).values,
    // It names the option that is wrong, but would repeat a word that stands without one.
    catch: (error) =>
      error instanceof Error && !("code" in error && error.code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL")
        ? error.message
        : "every value wants its option before it"
  })

/** What is asked for, or what is wrong with it. No message repeats a value: it may be a secret. */
export const parse = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string | undefined>>
): Either.Either<Request, string> =>
  Either.flatMap(parsed(args), (values): Either.Either<Request, string> => {
    if (values.help === true) return Either.right({ _tag: "Help" })
    if (values.version === true) return Either.right({ _tag: "Version" })
    const { host = "127.0.0.1", port = String(defaultPort), "redis-url": redisUrl } = values
    const fromEnvironment = environment["UPSTASH_REDIS_REST_TOKEN"]?.trim()
    const token = values.token ?? (fromEnvironment === "" ? undefined : fromEnvironment)
    const readOnlyToken = values["read-only-token"]
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
      return Either.left("--port wants a whole number from 0 to 65535")
    }
    if (host.trim() === "") return Either.left("--host wants an address, such as 127.0.0.1")
    if (token !== undefined && !isToken(token)) {
      const source = values.token === undefined ? "the variable UPSTASH_REDIS_REST_TOKEN" : "--token"
      return Either.left(`${source} wants one word of visible ASCII characters`)
    }
    if (readOnlyToken !== undefined && !isToken(readOnlyToken)) {
      return Either.left("--read-only-token wants one word of visible ASCII characters")
    }
    if (token !== undefined && token === readOnlyToken) {
      return Either.left("--read-only-token must differ from the token that may write")
    }
    if (redisUrl !== undefined && !isRedisUrl(redisUrl)) {
      return Either.left("--redis-url wants a URL such as redis://127.0.0.1:6379")
    }
    return Either.right({ _tag: "Serve", options: { port: Number(port), host, token, readOnlyToken, redisUrl } })
  })
