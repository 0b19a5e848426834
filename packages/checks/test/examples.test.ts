/**
 * Every example of the documentation compiles and does what it says. The title of a test is the place of its example.
 */
import { execFile } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { beforeAll, describe, expect, it } from "vitest"
import * as Claim from "../src/Claim.js"
import * as Example from "../src/Example.js"
import * as Repository from "../src/Repository.js"

const examples = [
  ...Repository.publicPackages
    .flatMap(({ folder }) => Repository.sources(folder))
    .flatMap((file) => Example.fromSource(file, Repository.read(file))),
  ...Repository.pages.flatMap((file) => Example.fromMarkdown(file, Repository.read(file)))
]

// Inside a package that depends on every public one, so that names resolve as they do for a reader.
const folder = `${Repository.root}packages/checks/.tmp/examples`
const nameOf = (example: Example.Example) => `${example.file.replaceAll(/[^\w]/g, "_")}_${example.line}.ts`
const placeOf = (example: Example.Example) => `${example.file}:${example.line}`

const complaints = new Map<string, Array<string>>()

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(`${folder}/compiled`, { recursive: true })
  mkdirSync(`${folder}/run`, { recursive: true })
  for (const example of examples) {
    writeFileSync(`${folder}/compiled/${nameOf(example)}`, Example.inPlace(example, example.code))
  }
  const config = {
    extends: `${Repository.root}tsconfig.base.json`,
    compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false, moduleDetection: "force" },
    include: ["*.ts"]
  }
  writeFileSync(`${folder}/compiled/tsconfig.json`, JSON.stringify(config))
  const tsc = `${Repository.root}node_modules/typescript/bin/tsc`
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", ".", "--pretty", "false"], {
    cwd: `${folder}/compiled`,
    maxBuffer: 2 ** 26
  }).catch((failure: { readonly stdout: string }) => failure)
  for (const line of stdout.split("\n").filter((text) => text.includes("error TS"))) {
    const name = /^([\w]+\.ts)\(/.exec(line)?.[1] ?? "elsewhere"
    complaints.set(name, [...(complaints.get(name) ?? []), line.replace(/^[\w]+\.ts\((\d+),\d+\)/, "line $1")])
  }
}, 120_000)

/** Runs an instrumented example; answers what it printed and the claims that do not hold. */
const run = async (example: Example.Example) => {
  const wrong: Array<string> = []
  const printed: Array<string> = []
  const log = console.log
  const scope = globalThis as unknown as Record<string, unknown>
  const check: Claim.Check = (line, value, expected, text, isPrinted) => {
    if (!Claim.holds(value, expected, text, isPrinted)) {
      wrong.push(`${example.file}:${line}: says ${text}, is ${Claim.show(value)}`)
    }
    return value
  }
  scope[Example.hook] = check
  console.log = (...parts: ReadonlyArray<unknown>) => {
    printed.push(parts.map((part) => (typeof part === "string" ? part : Claim.show(part))).join(" "))
  }
  try {
    const path = `${folder}/run/${nameOf(example)}`
    writeFileSync(path, Example.inPlace(example, Example.instrument(example)))
    await import(pathToFileURL(path).href)
  } finally {
    console.log = log
  }
  return { wrong, printed: printed.join("\n") }
}

it("there are examples, and the README has one", () => {
  expect(examples.filter(({ mode }) => mode === "run").map(({ file }) => file)).toContain("README.md")
})

it("no file that examples import has a type error", () => {
  expect(complaints.get("elsewhere") ?? []).toEqual([])
})

describe("documentation", () => {
  it.each(examples.map((example) => [placeOf(example), example] as const))("%s is true", async (_place, example) => {
    expect(complaints.get(nameOf(example)) ?? []).toEqual([])
    if (example.mode === "compile") return
    const { printed, wrong } = await run(example)
    expect(wrong).toEqual([])
    if (example.output !== undefined) expect(printed).toBe(example.output)
  })
})
