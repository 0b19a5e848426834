/** What the script can be asked for. */
import * as Either from "effect/Either"
import { existsSync } from "node:fs"
import { resolve } from "node:path"

export const usage = `Usage: pnpm upstash:suite <checkout>

Runs the tests of Upstash's own client against an upstash-local that it starts with a redis-server of
its own. They are not part of this project: <checkout> is a folder with the repository upstash/redis-js,
at the version of @upstash/redis that this workspace has. Nothing is written there.

It exits with 0 when every test passes that is not in suite/knownFailures.ts, and none passes that is;
with 1 when not; with 2 when there is no suite to run.
`

/** The folder of the checkout, or what is wrong. Relative paths start where the command was typed. */
export const parse = (args: ReadonlyArray<string>, from: string): Either.Either<{ readonly root?: string }, string> => {
  const given = args.filter((arg) => arg !== "--")
  if (given.includes("--help") || given.includes("-h")) return Either.right({})
  const [path, ...others] = given
  if (path === undefined || others.length > 0 || path.startsWith("-")) return Either.left("one argument is wanted")
  const root = resolve(from, path)
  if (!existsSync(`${root}/pkg/commands`)) {
    return Either.left(`no pkg/commands in ${root}: is it a checkout of upstash/redis-js?`)
  }
  return Either.right({ root })
}
