import { expect, it } from "@effect/vitest"
import { assertLeft, assertRight } from "@effect/vitest/utils"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { describe } from "vitest"
import { parse } from "../suite/commandLine.js"
import * as Judge from "../suite/judge.js"
import { type Known, knownFailures } from "../suite/knownFailures.js"

const outcome = (file: string, test: string, state: Judge.Outcome["state"]): Judge.Outcome => ({
  file,
  test,
  state,
  message: `${test} is ${state}`
})

const known: ReadonlyArray<Known> = [
  { file: "pkg/json_*.test.ts", reason: "newer", note: "" },
  { file: "pkg/a.test.ts", test: "one > two", reason: "dialect", note: "" }
]

describe("upstash:suite / judge", () => {
  it("a failure is known by its file, or by its file and its name; any other is not", () => {
    const verdict = Judge.judge(
      [
        outcome("pkg/json_get.test.ts", "anything", "failed"),
        outcome("pkg/json_get.test.ts", "something", "passed"),
        outcome("pkg/a.test.ts", "one > two", "failed"),
        outcome("pkg/a.test.ts", "two", "failed"),
        outcome("pkg/b.test.ts", "one > two", "failed"),
        outcome("pkg/deeper/json_get.test.ts", "anything", "failed"),
        outcome("pkg/b.test.ts", "none", "skipped")
      ],
      known
    )
    expect(verdict.unknown.map(({ file, test }) => `${file} ${test}`)).toEqual([
      "pkg/a.test.ts two",
      "pkg/b.test.ts one > two",
      "pkg/deeper/json_get.test.ts anything"
    ])
    expect([verdict.passed, verdict.known.length, verdict.skipped, verdict.stale]).toEqual([1, 2, 1, []])
    expect(Judge.isGood(verdict)).toBe(false)
    expect(Judge.describe(verdict)).toContain("FAILED  pkg/a.test.ts: two\n        two is failed")
    expect(Judge.describe(verdict)).toContain("1 passed, 3 failed, 2 failed as is known, 1 skipped by the suite")
  })

  it("a known failure that passes is no good either; one that did not run is nothing", () => {
    const verdict = Judge.judge(
      [outcome("pkg/json_get.test.ts", "anything", "passed"), outcome("pkg/a.test.ts", "one > two", "skipped")],
      known
    )
    expect(verdict.stale).toEqual([known[0]])
    expect(Judge.isGood(verdict)).toBe(false)
    expect(Judge.describe(verdict)).toContain("PASSES  pkg/json_*.test.ts")
    expect(Judge.isGood(Judge.judge([outcome("pkg/a.test.ts", "one", "passed")], known))).toBe(true)
  })

  it("no entry of the list stands twice", () => {
    const names = knownFailures.map(({ file, test }) => `${file} ${test ?? ""}`)
    expect(new Set(names).size).toBe(names.length)
  })
})

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-checkout-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** What the script needs of a checkout, with one file of tests. */
const checkout = (text: string) =>
  Effect.tap(folder, (root) =>
    Effect.sync(() => {
      mkdirSync(join(root, "pkg/commands"), { recursive: true })
      writeFileSync(join(root, "pkg/one.test.ts"), text)
    })
  )

const main = fileURLToPath(new URL("../suite/main.ts", import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href

const run = (...args: ReadonlyArray<string>) =>
  Effect.async<{ readonly code: number | null; readonly out: string; readonly err: string }>((resume) => {
    // Vitest tells its workers what they are, and this one is none of that run.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")))
    const child = spawn(process.execPath, ["--import", tsx, main, ...args], { stdio: ["ignore", "pipe", "pipe"], env })
    const printed = { out: "", err: "" }
    child.stdout.on("data", (data: Buffer) => (printed.out += data.toString()))
    child.stderr.on("data", (data: Buffer) => (printed.err += data.toString()))
    child.once("close", (code) => resume(Effect.succeed({ code, ...printed })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("upstash:suite / options", () => {
  it("a folder that holds no checkout is refused, with what was looked for", () => {
    assertLeft(parse(["."], "/nowhere"), "no pkg/commands in /nowhere: is it a checkout of upstash/redis-js?")
    for (const args of [[], ["a", "b"], ["--fast"]]) assertLeft(parse(args, "/"), "one argument is wanted")
    assertRight(parse(["nonsense", "--help"], "/"), {})
  })

  it.scoped("a path is relative to where the command was typed", () =>
    Effect.gen(function* () {
      const root = yield* checkout("")
      expect(Either.getOrThrow(parse([".."], join(root, "pkg")))).toEqual({ root })
      expect(Either.getOrThrow(parse(["--", root], "/"))).toEqual({ root })
    })
  )
})

/** Written for Bun, in the ways that the suite is. */
const tests = `
  import { afterAll, describe, expect, test } from "bun:test"
  import { sleep } from "bun"

  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = process.env
  const ask = async (...command: Array<string>) => {
    const headers = { authorization: "Bearer " + token }
    return (await (await fetch(url!, { method: "POST", body: JSON.stringify(command), headers })).json()).result
  }
  const fails = async () => { await sleep(1); throw new Error("a failure") }

  describe("outer", () => {
    test("speaks to a server", async () => expect(await ask("PING")).toBe("PONG"), { timeout: 1000 })
    test("throws, as Bun counts it", () => {
      expect(fails).toThrow("a failure")
      expect(fails()).toThrow()
      expect(async () => 1).not.toThrow()
    })
    test("is true", () => expect(true).toBeTrue())
  })
  test("does not throw what it should", () => { expect(fails).toThrow("another failure") })
  test("does not throw", () => { expect(async () => 1).toThrow() })
  test("rejects with something else, long before its end", async () => {
    expect(fails()).rejects.toThrow("another failure")
    await sleep(50)
  })
  test("is wrong within", () => { test("inner", () => expect(1).toBe(2)) })
`

describeWithRedis("upstash:suite", () => {
  it.scopedLive("counts what passes, names what fails, writes nothing, and ends with 1", () =>
    Effect.gen(function* () {
      const root = yield* checkout(tests)
      const { code, err, out } = yield* run(root)
      expect(err).toBe("")
      const failed = out.split("\n").filter((line) => line.startsWith("FAILED"))
      expect(failed).toEqual([
        "FAILED  pkg/one.test.ts: does not throw what it should",
        "FAILED  pkg/one.test.ts: does not throw",
        "FAILED  pkg/one.test.ts: rejects with something else, long before its end",
        "FAILED  pkg/one.test.ts: is wrong within"
      ])
      expect(out).toContain("3 passed, 4 failed, 0 failed as is known, 0 skipped by the suite")
      expect(code).toBe(1)
      expect(readdirSync(root)).toEqual(["pkg"])
    })
  )

  it.scopedLive("ends with 0 when all is well, with 2 when there is nothing to run", () =>
    Effect.gen(function* () {
      const good = yield* run(yield* checkout(`import { test } from "@jest/globals"\ntest("nothing", () => {})`))
      expect([good.code, good.out]).toEqual([0, "1 passed, 0 failed, 0 failed as is known, 0 skipped by the suite\n"])
      const root = yield* checkout("")
      rmSync(join(root, "pkg/one.test.ts"))
      expect((yield* run(root)).code).toBe(2)
    })
  )
})
