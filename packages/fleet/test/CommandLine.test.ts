import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import { spawnSync } from "node:child_process"
import { resolve } from "node:path"
import * as CommandLine from "../src/CommandLine.js"

const { defaults, parse } = CommandLine

describe("the command line of the fleet", () => {
  it.each([
    [[], defaults],
    [["--"], defaults],
    [["--redis"], { ...defaults, client: "redis" }],
    [["--database", "pglite"], { ...defaults, database: "pglite" }],
    [["--upstash", "--seed=7"], { ...defaults, client: "upstash", seed: "7" }],
    [
      ["--seconds", "600", "--instances", "2", "--rate", "50", "--memory-millis", "500"],
      { ...defaults, seconds: 600, instances: 2, rate: 50, memoryMillis: 500 }
    ],
    [["--bus", "stream"], { ...defaults, bus: "stream" }],
    [["-h"], { ...defaults, help: true }]
  ])("%j is understood", (args, options) => expect(parse(args)).toEqual(Either.right(options)))

  it.each([
    [["--fast"], "--fast"],
    [["--redis", "--upstash"], "--redis and --upstash each mean: only this one"],
    [["--database", "mysql"], "--database wants one of auto, postgres, pglite"],
    [["--seconds", "4"], "--seconds wants a whole number from 5 to 3600"],
    [["--instances", "5"], "--instances wants a whole number from 2 to 4"],
    [["--rate", "many"], "--rate wants a whole number from 1 to 2000"],
    [["--bus", "tram"], "--bus wants pubsub or stream"],
    [["--seed="], "--seed wants a text"]
  ])("%j is refused with a reason", (args, reason) => {
    expect(Either.getOrElse(Either.flip(parse(args)), () => "")).toContain(reason)
  })

  const cwd = resolve(import.meta.dirname, "..")
  const fleet = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = process.env) =>
    spawnSync(process.execPath, ["--import", "tsx", "src/main.ts", ...args], { cwd, env, encoding: "utf8" })

  it("an option that it does not know: exit code 2, the reason and the usage on standard error", () => {
    const { status, stderr, stdout } = fleet(["--fast"])
    expect([status, stdout]).toEqual([2, ""])
    expect(stderr).toContain("Usage: pnpm fleet")
  })

  it("without a redis-server: exit code 1, and one line that says how to get one", () => {
    const { status, stderr, stdout } = fleet(["--seed", "9"], { PATH: "" })
    expect([status, stdout]).toEqual([1, "seed  9\n"])
    expect(stderr.split("\n").filter((line) => line.includes("redis-server"))).toEqual([
      "no redis-server on the PATH: apt-get install redis-server, or brew install redis"
    ])
    expect(stderr).not.toContain("    at ")
  })
})
