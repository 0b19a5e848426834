import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import * as CommandLine from "../src/CommandLine.js"

const { defaults, parse } = CommandLine

describe("CommandLine", () => {
  it.each([
    [[], defaults],
    [["--"], defaults],
    [["--use-env"], { ...defaults, useEnv: true }],
    [["--use-env", "--max-commands", "5"], { ...defaults, useEnv: true, maxCommands: 5 }],
    [["--max-commands=5", "--use-env"], { ...defaults, useEnv: true, maxCommands: 5 }],
    [["--help"], { ...defaults, help: true }]
  ])("%j is understood", (args, options) => expect(parse(args)).toEqual(Either.right(options)))

  it.each([
    [["--fast"], `unknown option "--fast"`],
    [["demo"], `unknown option "demo"`],
    [["--use-env=no"], `unknown option "--use-env=no"`],
    [["--use-env", "--max-commands"], "--max-commands wants a whole number from 1, not nothing"],
    [["--use-env", "--max-commands", "0"], `--max-commands wants a whole number from 1, not "0"`],
    [["--use-env", "--max-commands=1e3"], `--max-commands wants a whole number from 1, not "1e3"`],
    [["--max-commands", "5"], "--max-commands limits what is sent to Upstash: it needs --use-env"]
  ])("%j is refused with a reason", (args, reason) => expect(parse(args)).toEqual(Either.left(reason)))
})

const demo = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, ["--import", "tsx", "src/main.ts", ...args], {
    cwd: resolve(import.meta.dirname, ".."),
    encoding: "utf8"
  })

describe("pnpm demo", () => {
  it("an option that it does not know: exit code 2, the reason and the usage on standard error", () => {
    const { status, stderr, stdout } = demo("--fast")
    expect(status).toBe(2)
    expect(stderr).toContain(`unknown option "--fast"\n\nUsage: pnpm demo`)
    expect(stdout).toBe("")
  })

  it("--help prints the usage and starts nothing", () => {
    const { status, stderr, stdout } = demo("--help")
    expect([status, stderr]).toEqual([0, ""])
    expect(stdout).toContain("--max-commands N")
  })
})
