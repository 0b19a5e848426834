import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as CommandLine from "../src/CommandLine.js"

describe("the command line of the simulation", () => {
  it("without options it runs for a minute, from a seed of chance", () => {
    expect(CommandLine.parse([])).toEqual(Either.right(CommandLine.defaults))
  })

  it("understands every option, with a space or an equals sign", () => {
    const all = { ...CommandLine.defaults, help: true, minutes: 0.5, seed: 9 }
    const spaced = ["--minutes", "0.5", "--seed", "9", "--help"]
    const equals = ["--", "--minutes=0.5", "--seed=9", "-h"]
    for (const args of [spaced, equals]) {
      expect(CommandLine.parse([...args, "--path", "1:0:2"])).toEqual(Either.right({ ...all, path: "1:0:2" }))
      const only = ["one", "two"]
      expect(CommandLine.parseOfMutants([...args, "--only=one,two"])).toEqual(Either.right({ ...all, only }))
    }
  })

  it.each([
    [["--minutes", "0"], "--minutes wants a number"],
    [["--minutes", "soon"], "--minutes wants a number"],
    [["--seed", "-1"], "--seed wants a whole number"],
    [["--seed", "2147483648"], "--seed wants a whole number"],
    [["--seed"], "--seed wants a whole number"],
    [["--seed", "1", "--path", "a"], "--path wants what was printed"],
    [["--path", "1:0"], "--path wants its --seed"],
    [["--only", "one"], `unknown option "--only"`],
    [["--fast"], `unknown option "--fast"`]
  ])("refuses %j", (args, sentence) => {
    const problem = Either.flip(CommandLine.parse(args))
    expect(Either.getOrElse(problem, () => "")).toContain(sentence)
  })

  it.each([
    [["--only"], "--only wants names"],
    [["--seed", "1", "--path", "1:0"], `unknown option "--path"`],
    [["fast"], `unknown option "fast"`]
  ])("refuses %j with mutants", (args, sentence) => {
    const problem = Either.flip(CommandLine.parseOfMutants(args))
    expect(Either.getOrElse(problem, () => "")).toContain(sentence)
  })
})
