/** `pnpm simulate` as a process. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import { resolve } from "node:path"

const cwd = resolve(import.meta.dirname, "..")
const command = ["--import", "tsx", "src/main.ts"]
const simulate = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [...command, ...args], { cwd, encoding: "utf8" })

/** Signals wait for the runs under way, which take their time on a machine that has something else to do. */
const patience = { timeout: 150_000 }

describe("pnpm simulate", patience, () => {
  it("tells the whole history of a scenario, when nothing is wrong with it too", () => {
    const { status, stdout } = simulate("--seed", "5", "--path", "19:0:3")
    const lines = stdout.trim().split("\n")
    expect([status, lines.at(-1)]).toEqual([0, "nothing is wrong with it"])
    expect(lines.filter((line) => /^ *\d+ ms /.test(line)).length).toBeGreaterThan(20)
  })

  it("a path that leads nowhere: exit code 2, and a sentence", () => {
    const { status, stderr, stdout } = simulate("--seed", "5", "--path", "19:99999")
    expect([status, stdout, stderr]).toEqual([2, "", "seed 5 has no path 19:99999\n"])
  })

  it("says in the end that nothing was wrong", () => {
    const { status, stdout } = simulate("--seed", "5", "--minutes", "0.1")
    expect([status, stdout.trim().split("\n").at(-1)]).toEqual([0, "no answer was wrong, and nothing was left behind"])
  })

  it.live("Ctrl-C ends it with what was counted, and 130", () =>
    Effect.async<readonly [number | null, string]>((resume) => {
      const child = spawn(process.execPath, [...command, "--seed", "5"], { cwd })
      let said = ""
      child.stdout.on("data", (data) => {
        if (said === "") child.kill("SIGINT")
        said += String(data)
      })
      child.once("close", (code) => resume(Effect.succeed([code, said])))
      return Effect.sync(() => child.kill("SIGKILL"))
    }).pipe(
      Effect.map(([code, said]) => {
        expect(code).toBe(130)
        expect(said).toMatch(/^seed +5\nruns +[^]*interrupted; nothing was found until then\n$/)
      })
    )
  )
})
