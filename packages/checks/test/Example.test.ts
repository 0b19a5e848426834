import { describe, expect, it } from "vitest"
import * as Claim from "../src/Claim.js"
import * as Example from "../src/Example.js"

const docstring = (...lines: ReadonlyArray<string>) => ["/**", ...lines.map((line) => ` * ${line}`), " */"].join("\n")

const example = (code: string): Example.Example => ({ file: "a.ts", line: 10, mode: "run", code, output: undefined })

/** The claims of a program that end up being wrong, as `line: value`. */
const wrongOf = (code: string): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const check: Claim.Check = (line, value, expected, text, printed) => {
    if (!Claim.holds(value, expected, text, printed)) wrong.push(`${line}: ${Claim.show(value)}`)
    return value
  }
  const program = Example.instrument(example(code)).replaceAll(`globalThis.${Example.hook}`, "check")
  // eslint-disable-next-line no-new-func -- the programs are the literals below
  new Function("check", program)(check)
  return wrong
}

describe("Example / finding", () => {
  it("an example ends where the next tag begins and knows its line", () => {
    const text = docstring("Adds.", "", "@example", "add(1, 2) // => 3", "", "@since 0.1.0")
    expect(Example.fromSource("a.ts", text)).toEqual([
      { file: "a.ts", line: 5, mode: "run", code: "add(1, 2) // => 3", output: undefined }
    ])
  })

  it("two examples of one docstring are two", () => {
    const text = docstring("@example", "one", "@example compile", "two")
    expect(Example.fromSource("a.ts", text).map(({ code, mode }) => [code, mode])).toEqual([
      ["one", "run"],
      ["two", "compile"]
    ])
  })

  it("a star that begins a line of code does not end the example", () => {
    const text = docstring("@example", "const x = 2", "  * 3", "x // => 6")
    expect(Example.fromSource("a.ts", text)[0]!.code).toBe("const x = 2\n  * 3\nx // => 6")
  })

  it("a page has its ts blocks, without fragments and other languages, and the output that follows one", () => {
    const page = [
      "```ts",
      "one",
      "```",
      "```text output",
      "1",
      "```",
      "```sh",
      "ls",
      "```",
      "```ts fragment",
      "…",
      "```"
    ]
    expect(Example.fromMarkdown("a.md", page.join("\n"))).toEqual([
      { file: "a.md", line: 2, mode: "run", code: "one", output: "1" }
    ])
  })
})

describe("Example / claims", () => {
  it.each([
    ["1 + 1 // => 2"],
    ["1 + 1\n// => 2"],
    ["console.log('two words') // => two words"],
    ["const x = 'a' // => \"a\""],
    ["const x = ({ b: [1] })\nx // => { b: [1] }"],
    ["[1, 2]\n  .map((n) => n * 2) // => [2, 4]"],
    ["const f = () => {\n  const y = 3 // => 3\n  return y\n}\nf() // => 3"],
    ["new Map([[1, 2]]) // => Map(1) { 1 => 2 }"],
    ["const x = ({ a: 1, b: 2 })\nx // => {\n//   a: 1,\n//   b: 2\n// }"]
  ])("holds: %j", (code) => {
    expect(wrongOf(code)).toEqual([])
  })

  it.each([
    ["1 + 1 // => 3", "10: 2"],
    ["0\n1 + 1\n// => 3", "12: 2"],
    ["'1' // => 1", "10: '1'"],
    ["const x = ({ b: [1] })\nx // => { b: [2] }", "11: { b: [ 1 ] }"],
    ["undefined // => null", "10: undefined"],
    ["const f = () => {\n  const y = 3 // => 4\n}\nf()", "11: 3"],
    ["2 // => unknownName", "10: 2"]
  ])("is found out: %j", (code, complaint) => {
    expect(wrongOf(code)).toEqual([complaint])
  })

  it("a claim that speaks of nothing is an error that names its line", () => {
    expect(() => wrongOf("const x = {\n  a: 1 // => 1\n}")).toThrow("a.ts:11")
  })

  it("of a console.log the printed value is compared, and it is still printed", () => {
    expect(Example.instrument(example("console.log(1 + 1) // => 2"))).toBe(
      `console.log(globalThis.${Example.hook}(10, 1 + 1, () => (2), "2", true)) // => 2`
    )
  })
})
