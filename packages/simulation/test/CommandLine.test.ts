import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as CommandLine from "../src/CommandLine.js"

describe("the command line of the simulation", () => {
  it("without options it runs for a minute, from a seed of chance", () => {
    expect(CommandLine.parse([])).toEqual(Either.right(CommandLine.defaults))
  })

  it("understands every option, with a space or an equals sign", () => {
    const all = { help: true, minutes: 0.5, seed: 9, path: "1:0:2", only: ["one", "two"] }
    const spaced = ["--minutes", "0.5", "--seed", "9", "--path", "1:0:2", "--only", "one,two", "--help"]
    expect(CommandLine.parse(spaced)).toEqual(Either.right(all))
    const equals = ["--", "--minutes=0.5", "--seed=9", "--path=1:0:2", "--only=one,two", "-h"]
    expect(CommandLine.parse(equals)).toEqual(Either.right(all))
  })

  it.each([
    [["--minutes", "0"], "--minutes wants a number"],
    [["--minutes", "soon"], "--minutes wants a number"],
    [["--seed", "-1"], "--seed wants a whole number"],
    [["--seed", "2147483648"], "--seed wants a whole number"],
    [["--seed"], "--seed wants a whole number"],
    [["--seed", "1", "--path", "a"], "--path wants what was printed"],
    [["--path", "1:0"], "--path wants its --seed"],
    [["--only"], "--only wants names"],
    [["--fast"], `unknown option "--fast"`]
  ])("refuses %j", (args, sentence) => {
    const problem = Either.flip(CommandLine.parse(args))
    expect(Either.getOrElse(problem, () => "")).toContain(sentence)
  })
})
