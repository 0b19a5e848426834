import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as CommandLine from "../src/CommandLine.js"

describe("the command line of the faults", () => {
  it("without options everything is tried", () => {
    expect(CommandLine.parse([])).toEqual(Either.right(CommandLine.defaults))
  })

  it("understands every option, with a space or an equals sign", () => {
    const all = { help: true, only: ["killed", "cut"], client: "redis", seconds: 9 } as const
    expect(CommandLine.parse(["--only", "killed,cut", "--client", "redis", "--seconds", "9", "--help"])).toEqual(
      Either.right(all)
    )
    expect(CommandLine.parse(["--", "--only=killed,cut", "--client=redis", "--seconds=9", "-h"])).toEqual(
      Either.right(all)
    )
  })

  it.each([
    [["--only", "nonsense"], `there is no fault "nonsense"`],
    [["--only"], "--only wants one of"],
    [["--client", "memcached"], "--client wants redis or upstash"],
    [["--seconds", "0"], "--seconds wants a whole number from 1 to 600"],
    [["--seconds", "601"], "--seconds wants a whole number from 1 to 600"],
    [["--fast"], `unknown option "--fast"`]
  ])("refuses %j", (args, sentence) => {
    const problem = Either.flip(CommandLine.parse(args))
    expect(Either.getOrElse(problem, () => "")).toContain(sentence)
  })
})
