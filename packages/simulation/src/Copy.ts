/** Copies of the cache and the world, in which a rule can be broken and looked for. */
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Edit, Mutant } from "./Mutant.js"

const packages = fileURLToPath(new URL("../../", import.meta.url))

/** The cache and the world beside each other, finding their dependencies where those are. */
const make = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "larder-mutants-"))
    for (const name of ["cache", "testing"]) {
      for (const part of ["src", "package.json"]) {
        cpSync(join(packages, name, part), join(folder, name, part), { recursive: true })
      }
    }
    mkdirSync(join(folder, "node_modules", "@larder"), { recursive: true })
    for (const name of ["cache", "testing"]) {
      symlinkSync(join(folder, name), join(folder, "node_modules", "@larder", name))
    }
    symlinkSync(join(packages, "simulation", "node_modules", "effect"), join(folder, "node_modules", "effect"))
    cpSync(join(packages, "simulation", "src", "hunt.ts"), join(folder, "hunt.ts"))
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** Makes the edits, or answers the one that does not fit. */
const edit = (folder: string, { edits }: Mutant): Either.Either<void, Edit> => {
  for (const one of edits) {
    const file = join(folder, "cache", "src", one.file)
    const text = readFileSync(file, "utf8")
    if (text.split(one.find).length !== 2) return Either.left(one)
    writeFileSync(
      file,
      text.replace(one.find, () => one.put)
    )
  }
  return Either.void
}

/** How long is looked, and from where. */
export interface Search {
  readonly millis: number
  readonly runs: number
  readonly seed: number
}

const run = (folder: string, { millis, runs, seed }: Search) =>
  Effect.async<string>((resume) => {
    const flags = [
      "--max-semi-space-size=64",
      "--import",
      pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href
    ]
    const args = [...flags, join(folder, "hunt.ts"), ...[millis, runs, seed].map(String)]
    const child = execFile(process.execPath, args, { maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resume(Effect.succeed(error === null ? stdout : `0 ERROR ${stderr.slice(0, 2_000)}`))
    )
    return Effect.sync(() => child.kill())
  })

/** What came of a search: what was wrong, after how many runs; or why there is nothing to say. */
export type Outcome =
  | { readonly _tag: "Found"; readonly runs: number; readonly what: string }
  | { readonly _tag: "Lives"; readonly runs: number }
  | { readonly _tag: "Failed"; readonly problem: string }

const found = (runs: number, what: string): Outcome => ({ _tag: "Found", runs, what })
const lives = (runs: number): Outcome => ({ _tag: "Lives", runs })
const failed = (problem: string): Outcome => ({ _tag: "Failed", problem })

/** Breaks the rule in a copy, and runs the simulation against it, in a process of its own, until something is found. */
export const hunt = (mutant: Mutant, search: Search): Effect.Effect<Outcome> =>
  Effect.scoped(
    Effect.gen(function* () {
      const folder = yield* make
      const fits = edit(folder, mutant)
      if (Either.isLeft(fits)) {
        return failed(`its text is not there exactly once: ${fits.left.file}: ${fits.left.find}`)
      }
      const [first, ...rest] = (yield* run(folder, search)).trim().split(" ")
      const what = rest.join(" ")
      if (what.startsWith("ERROR")) return failed(what)
      const runs = Number(first)
      return what === "" ? lives(runs) : found(runs, what)
    })
  )
