/** What `pnpm simulate` and `pnpm simulate:mutants` can be asked for. */
import * as Either from "effect/Either"

export interface Options {
  readonly help: boolean
  readonly minutes: number
  /** Absent: another one each time. */
  readonly seed: number | undefined
  /** Where in the scenarios of the seed to begin. */
  readonly path: string | undefined
  /** None: all of them. */
  readonly only: ReadonlyArray<string>
}

export const defaults: Options = { help: false, minutes: 1, seed: undefined, path: undefined, only: [] }

export const usage = `Usage: pnpm simulate [--minutes N] [--seed N [--path P]] [--help]

Lives through one scenario after another of a simulated world: instances with real caches and skewed clocks over one
store, one bus and one database, all of which fail. Checks every answer, and what is left in the end.

  --minutes N  for how long, 0.1 to 100000. Default 1
  --seed N     a whole number from 0 to 2147483647: the same one tries the same scenarios. Default: another one each time
  --path P     with the seed that was printed: tries that very scenario again, and tells everything that happens in it,
               whether something is wrong with it or not
  --help       print this

It prints runs, steps, answers, faults and the oldest answers, and exits with 0; or with the shortest scenario in which
something is wrong, and 1; or with 2 when the options make no sense. Ctrl-C ends it earlier, with what was counted until
then and 130.
`

export const usageOfMutants = `Usage: pnpm simulate:mutants [--only NAME,NAME] [--minutes N] [--seed N] [--help]

Breaks one rule of the cache after another in a copy of its sources, and runs the simulation against it until it is
found. Prints how many scenarios that took, and exits with 1 when a mutant lives, or cannot be made any more because
the sources have changed.

  --only NAMES  only these
  --minutes N   how long one mutant is looked for, 0.1 to 100000. Default 1
  --seed N      a whole number from 0 to 2147483647. Default 1
  --help        print this
`

const decimal = /^\d{1,6}(\.\d+)?$/

/** The options of a command that takes these beside `--help`, or what is wrong with them. */
const parsing =
  (names: ReadonlyArray<string>) =>
  (args: ReadonlyArray<string>): Either.Either<Options, string> => {
    let options = defaults
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      const [name, inline] = arg.startsWith("--") && arg.includes("=") ? arg.split(/=(.*)/s) : [arg, undefined]
      const value = () => inline ?? args[++i] ?? ""
      if ((name === "--help" || name === "-h") && inline === undefined) options = { ...options, help: true }
      // Package managers pass it on.
      else if (arg === "--") continue
      else if (name === undefined || !names.includes(name)) return Either.left(`unknown option "${arg}"`)
      else if (name === "--minutes") {
        const text = value()
        const minutes = Number(text)
        if (!decimal.test(text) || minutes < 0.1 || minutes > 100_000) {
          return Either.left("--minutes wants a number from 0.1 to 100000")
        }
        options = { ...options, minutes }
      } else if (name === "--seed") {
        const text = value()
        if (!/^\d{1,10}$/.test(text) || Number(text) > 0x7fffffff) {
          return Either.left("--seed wants a whole number from 0 to 2147483647")
        }
        options = { ...options, seed: Number(text) }
      } else if (name === "--path") {
        const path = value()
        if (!/^\d+(:\d+)*$/.test(path)) return Either.left("--path wants what was printed, as 12:0:3")
        options = { ...options, path }
      } else {
        const only = value()
          .split(",")
          .filter((one) => one !== "")
        if (only.length === 0) return Either.left("--only wants names")
        options = { ...options, only }
      }
    }
    if (options.path !== undefined && options.seed === undefined) return Either.left("--path wants its --seed")
    return Either.right(options)
  }

export const parse = parsing(["--minutes", "--seed", "--path"])

export const parseOfMutants = parsing(["--minutes", "--seed", "--only"])
