/** What is checked of an address before anything is sent, so that a mistake is not an outage. */
import * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Node, Options, TlsOptions } from "../IoredisClient.js"

export interface Host {
  readonly host: string
  readonly port: number
}

export type Address = Host | { readonly path: string }

/** For a message: an address has no user and no password. */
export const placeOf = (address: Address): string => {
  if ("path" in address) return address.path
  const { host, port } = address
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

export interface Credentials {
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
}

export type Target =
  | { readonly _tag: "Single"; readonly address: Address }
  | {
      readonly _tag: "Sentinel"
      readonly sentinels: ReadonlyArray<Host>
      readonly masterName: string
      readonly credentials: Credentials
      readonly natMap: Options["natMap"]
    }
  | { readonly _tag: "Cluster"; readonly nodes: ReadonlyArray<Host>; readonly natMap: Options["natMap"] }

export interface Settings {
  readonly target: Target
  readonly credentials: Credentials
  readonly database: number
  readonly tls: TlsOptions | undefined
  readonly connectMillis: number
  readonly commandMillis: number
  readonly maxInFlight: number
}

type Checked<A> = Either.Either<A, ConfigError.ConfigError>

// No sentence repeats what it was given: a URL may hold a password.
const urlSentence =
  "expected redis://, rediss:// or unix:// with a host or a path, an optional user, percent-encoded password and " +
  "database number, without query or fragment"

const invalid = (name: string, sentence: string): Checked<never> =>
  Either.left(ConfigError.InvalidData([name], sentence))

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535
const isDatabase = (database: number) => Number.isInteger(database) && database >= 0 && database <= 65_535

interface Place {
  readonly address: Address
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly database?: number | undefined
  readonly secure: boolean
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray per cent sign: the decoder has no other way to say so.
    return undefined
  }
}

const parseUrl = (text: string): Place | undefined => {
  if (!URL.canParse(text)) return undefined
  const { hash, hostname, password, pathname, port, protocol, search, username } = new URL(text)
  const [user, secret, path] = [decoded(username), decoded(password), decoded(pathname)]
  if (search + hash !== "" || user === undefined || secret === undefined || path === undefined) return undefined
  if (protocol === "unix:") {
    return hostname + username + password === "" && path.length > 1 ? { address: { path }, secure: false } : undefined
  }
  if ((protocol !== "redis:" && protocol !== "rediss:") || hostname === "" || port === "0") return undefined
  if (!/^(\/\d{0,5})?$/.test(path)) return undefined
  return {
    address: { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? 6_379 : Number(port) },
    username: user === "" ? undefined : user,
    password: secret === "" ? undefined : secret,
    database: path.length > 1 ? Number(path.slice(1)) : undefined,
    secure: protocol === "rediss:"
  }
}

const place = (options: Options, urlName: string): Checked<Place> => {
  if (options.url !== undefined) {
    const url = parseUrl((Redacted.isRedacted(options.url) ? Redacted.value(options.url) : options.url).trim())
    return url === undefined ? invalid(urlName, urlSentence) : Either.right(url)
  }
  if (options.path !== undefined) {
    return options.path === ""
      ? invalid("path", "expected the path of a unix socket")
      : Either.right({ address: { path: options.path }, secure: false })
  }
  return Either.map(node("host", { host: options.host ?? "", port: options.port }, 6_379), (address) => ({
    address,
    secure: false
  }))
}

const node = (name: string, { host, port }: Node, defaultPort: number): Checked<Host> => {
  if (!/^[^\s/@]+$/.test(host)) return invalid(name, "expected the name or the address of a host")
  return isPort(port ?? defaultPort)
    ? Either.right({ host, port: port ?? defaultPort })
    : invalid(name === "host" ? "port" : name, "expected a port between 1 and 65535")
}

const nodes = (name: string, all: ReadonlyArray<Node>, port: number): Checked<ReadonlyArray<Host>> =>
  all.length === 0 ? invalid(name, "expected at least one host") : Either.all(all.map((one) => node(name, one, port)))

const duration = { onNone: () => 0, onSome: Duration.toMillis }

const millis = (name: string, given: Duration.DurationInput | undefined, byDefault: number): Checked<number> => {
  const value = given === undefined ? byDefault : Option.match(Duration.decodeUnknown(given), duration)
  // A timer of Node's takes no more than 31 bits.
  return value > 0 && value < 2 ** 31
    ? Either.right(value)
    : invalid(name, "expected a time longer than none, at most days")
}

const ways = ["url", "host", "path", "sentinels", "cluster"] as const

/** `urlName` is what the URL is called where it came from: an option, or a variable of the environment. */
export const make = (options: Options, urlName = "url"): Checked<Settings> =>
  Either.gen(function* () {
    const [way, second] = ways.filter((name) => options[name] !== undefined)
    if (way === undefined)
      return yield* Either.left(ConfigError.MissingData(["url"], `expected one of ${ways.join(", ")}`))
    if (second !== undefined) return yield* invalid(second, `expected one of ${ways.join(", ")}, because ${way} is set`)

    const single = way === "sentinels" || way === "cluster" ? undefined : yield* place(options, urlName)
    for (const name of ["username", "password", "database"] as const) {
      if (single?.[name] !== undefined && options[name] !== undefined) {
        return yield* invalid(name, `expected ${name} once: ${urlName} has one`)
      }
    }
    const database = single?.database ?? options.database ?? 0
    if (!isDatabase(database)) return yield* invalid("database", "expected the number of a database")
    if (way === "cluster" && database !== 0) return yield* invalid("database", "expected none: a cluster has one, 0")
    const username = single?.username ?? options.username
    const password = single?.password === undefined ? options.password : Redacted.make(single.password)
    if (username !== undefined && password === undefined) {
      return yield* invalid(single?.username === undefined ? "username" : urlName, "expected a password with the user")
    }

    let target: Target
    if (single !== undefined) target = { _tag: "Single", address: single.address }
    else if (way === "cluster") {
      target = { _tag: "Cluster", nodes: yield* nodes("cluster", options.cluster!, 6_379), natMap: options.natMap }
    } else {
      const { masterName } = options
      if (masterName === undefined || masterName === "") {
        return yield* Either.left(
          ConfigError.MissingData(["masterName"], "expected the name under which sentinels know it")
        )
      }
      const credentials = { username: options.sentinelUsername, password: options.sentinelPassword }
      const sentinels = yield* nodes("sentinels", options.sentinels!, 26_379)
      target = { _tag: "Sentinel", sentinels, masterName, credentials, natMap: options.natMap }
    }

    const maxInFlight = options.maxInFlight ?? 10_000
    if (!(maxInFlight >= 1)) return yield* invalid("maxInFlight", "expected at least one command")
    const { tls } = options
    const secure = tls === undefined ? (single?.secure ?? false) : tls !== false
    return {
      target,
      credentials: { username, password },
      database,
      tls: secure ? (typeof tls === "object" ? tls : {}) : undefined,
      connectMillis: yield* millis("connectTimeout", options.connectTimeout, 2_000),
      commandMillis: yield* millis("commandTimeout", options.commandTimeout, 1_000),
      maxInFlight
    }
  })
