/** Which commands are carried out, for whom, and the words of Upstash for the others. */
import type { Command } from "./command.js"
import type { Traits } from "./commandTable.js"

/** What a token is good for. */
export type Access = "Full" | "ReadOnly"

/**
 * All requests share one connection: what changes the state of a connection, or waits on it, would change it for, or
 * keep it from, everybody. Upstash refuses these over REST as well.
 */
const ofOneConnection: ReadonlySet<string> = new Set(
  `ASKING AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN DISCARD EXEC HELLO MONITOR MULTI PSUBSCRIBE
   PUNSUBSCRIBE QUIT READONLY READWRITE RESET SELECT SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE UNWATCH WAIT WAITAOF
   WATCH`.split(/\s+/)
)

/** The commands of administration that Upstash has; all others belong to whoever runs the server. */
const administration = /^(ACL( \w+)?|CLIENT LIST|CONFIG (GET|SET))$/

/** Of `CLIENT`: what only looks. */
const harmlessOfClient = /^CLIENT (GETNAME|ID|INFO|LIST|SETINFO)$/

const notAvailable = (name: string): string =>
  `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`

const noPermission = (name: string): string =>
  `NOPERM this user has no permissions to run the '${name.toLowerCase().replace(" ", "|")}' command`

export const noPermissionToListen = (route: string): string => noPermission(route)

const waits = ({ args, name }: Command): boolean =>
  (name === "XREAD" || name === "XREADGROUP") && args.some((arg) => arg.toString().toUpperCase() === "BLOCK")

/** Upstash keeps `SCAN` and `KEYS` from those who may only read. Redis itself counts only the latter as dangerous. */
const mayBeReadBy = ({ connection, dangerous, name, reads }: Traits): boolean =>
  connection || (reads && !dangerous && name !== "SCAN")

/** The error for a command that is not carried out, or `undefined`. */
export const refused = (command: Command, traits: Traits | undefined, access: Access): string | undefined => {
  const name = traits?.name ?? command.name
  if (traits === undefined || ofOneConnection.has(command.name) || waits(command)) return notAvailable(command.name)
  if (traits.admin && !administration.test(name)) return notAvailable(name)
  // What takes a subcommand and has none of that name: Redis says so.
  if (command.name === "CLIENT" && name !== "CLIENT" && !harmlessOfClient.test(name)) return notAvailable(name)
  return access === "Full" || mayBeReadBy(traits) ? undefined : noPermission(name)
}
