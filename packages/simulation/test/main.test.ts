/** `pnpm simulate` as a process. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { resolve } from "node:path"

/** Ends with what it said; told by what it has said so far, it can be asked to end before. */
const simulate = (args: ReadonlyArray<string>, endsIt: (said: string) => boolean = () => false) =>
  Effect.async<{ readonly code: number | null; readonly out: string; readonly err: string }>((resume) => {
    const cwd = resolve(import.meta.dirname, "..")
    const child = spawn(process.execPath, ["--import", "tsx", "src/main.ts", ...args], { cwd })
    let out = ""
    let err = ""
    child.stderr.on("data", (data) => (err += String(data)))
    child.stdout.on("data", (data) => {
      out += String(data)
      if (endsIt(out) && !child.killed) child.kill("SIGINT")
    })
    child.once("close", (code) => resume(Effect.succeed({ code, out, err })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Signals wait for the runs under way, which take their time on a machine that has something else to do. */
const patience = { timeout: 150_000 }

describe("pnpm simulate", patience, () => {
  it.live("tells the whole history of a scenario, when nothing is wrong with it too", () =>
    Effect.gen(function* () {
      const { code, out } = yield* simulate(["--seed", "5", "--path", "19:0:3"])
      const lines = out.trim().split("\n")
      expect([code, lines.at(-1)]).toEqual([0, "nothing is wrong with it"])
      expect(lines.filter((line) => /^ *\d+ ms /.test(line)).length).toBeGreaterThan(20)
    })
  )

  it.live("a path that leads nowhere: exit code 2, and a sentence", () =>
    Effect.gen(function* () {
      const answer = yield* simulate(["--seed", "5", "--path", "19:99999"])
      expect(answer).toEqual({ code: 2, out: "", err: "seed 5 has no path 19:99999\n" })
    })
  )

  it.live("says in the end that nothing was wrong", () =>
    Effect.gen(function* () {
      const { code, out } = yield* simulate(["--seed", "5", "--minutes", "0.1"])
      expect(code).toBe(0)
      expect(out).toMatch(/\nno answer was wrong, and nothing was left behind\n$/)
    })
  )

  it.live("Ctrl-C ends it with what was counted, and 130", () =>
    Effect.gen(function* () {
      const { code, out } = yield* simulate(["--seed", "5"], (said) => said.startsWith("seed"))
      expect(code).toBe(130)
      expect(out).toMatch(/^seed +5\nruns +[^]*interrupted; nothing was found until then\n$/)
    })
  )
})
