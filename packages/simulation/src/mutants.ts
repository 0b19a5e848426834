/** `pnpm simulate:mutants`. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { execFile } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as CommandLine from "./CommandLine.js"
import * as Mutant from "./Mutant.js"

const packages = fileURLToPath(new URL("../../", import.meta.url))

/** A copy of the cache and the world beside each other, that finds its dependencies where they are. */
const copy = Effect.acquireRelease(
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

/** The text with the edits made, or the edit that does not fit. */
const edited = (folder: string, { edits }: Mutant.Mutant): Either.Either<void, Mutant.Edit> => {
  for (const edit of edits) {
    const file = join(folder, "cache", "src", edit.file)
    const text = readFileSync(file, "utf8")
    if (text.split(edit.find).length !== 2) return Either.left(edit)
    writeFileSync(
      file,
      text.replace(edit.find, () => edit.put)
    )
  }
  return Either.void
}

/** Runs the simulation against the copy in a process of its own. */
const hunt = (folder: string, millis: number, seed: number) =>
  Effect.async<string>((resume) => {
    const flags = ["--max-semi-space-size=64", "--import", import.meta.resolve("tsx")]
    const args = [...flags, join(folder, "hunt.ts"), String(millis), String(seed)]
    const child = execFile(process.execPath, args, { maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resume(Effect.succeed(error === null ? stdout : `0 ERROR ${stderr.slice(0, 2_000)}`))
    )
    return Effect.sync(() => child.kill())
  })

const one = (mutant: Mutant.Mutant, millis: number, seed: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const folder = yield* copy
      const fits = edited(folder, mutant)
      if (Either.isLeft(fits)) return `its text is not there exactly once: ${fits.left.file}: ${fits.left.find}`
      const [runs, ...what] = (yield* hunt(folder, millis, seed)).trim().split(" ")
      const word = what.join(" ")
      if (word.startsWith("ERROR")) return word
      if (word === "") return `lives after ${runs} runs`
      yield* Console.log(
        `| ${mutant.name} | ${mutant.breaks} | ${runs} | ${word.replace(/^(at \S+ ms|in the end): ?/, "")} |`
      )
      return undefined
    })
  )

const mutants = ({ help, minutes, only, seed = 1 }: CommandLine.Options) =>
  Effect.gen(function* () {
    if (help) return yield* Effect.as(Console.log(CommandLine.usageOfMutants), 0)
    const unknown = only.find((name) => !Mutant.all.some((mutant) => mutant.name === name))
    if (unknown !== undefined) {
      const names = Mutant.all.map(({ name }) => name).join(" ")
      return yield* Effect.as(Console.error(`there is no mutant "${unknown}"; there are: ${names}`), 2)
    }
    const chosen = Mutant.all.filter(({ name }) => only.length === 0 || only.includes(name))
    let wrong = 0
    yield* Console.log("| mutant | breaks | found after | as |\n| --- | --- | --- | --- |")
    for (const mutant of chosen) {
      const problem = yield* one(mutant, minutes * 60_000, seed)
      if (problem === undefined) continue
      wrong += 1
      yield* Console.log(`| ${mutant.name} | ${mutant.breaks} | — | **${problem.replaceAll("\n", " ")}** |`)
    }
    yield* Console.log(`\n${chosen.length - wrong} of ${chosen.length} mutants found`)
    return wrong === 0 ? 0 : 1
  })

let code = 1

const program = Effect.matchEffect(CommandLine.parse(process.argv.slice(2)), {
  onFailure: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usageOfMutants}`), 2),
  onSuccess: mutants
})

NodeRuntime.runMain(
  Effect.tap(program, (answer) =>
    Effect.sync(() => {
      code = answer
    })
  ),
  { teardown: (_, end) => end(code) }
)
