import { describe, expect, it } from "vitest"
import * as Docs from "../src/Docs.js"
import * as Repository from "../src/Repository.js"

const modules = Repository.publicPackages.flatMap(({ folder, modules, name }) =>
  modules.map((module) => ({ name, module, file: `packages/${folder}/src/${module}.ts` }))
)

describe("public exports", () => {
  it.each(modules.map(({ file }) => file))("%s: each has @since and @category", (file) => {
    const offences = Docs.offences(file, Repository.read(file))
    expect(
      offences.map(({ line, missing, name }) => `${file}:${line}: ${name} has no ${missing.join(", no ")}`)
    ).toEqual([])
  })

  it.each(modules.map(({ file }) => file))("%s begins with a docstring of its own", (file) => {
    expect(Docs.hasHeader(Repository.read(file))).toBe(true)
  })

  it.each(modules.map(({ file, module }) => [file, module]))("%s can also be had from its package", (file, module) => {
    const index = Repository.read(file.replace(/src\/.*/, "src/index.ts"))
    expect(index).toContain(`from "./${module}.js"`)
  })
})

describe("Docs.offences", () => {
  const documented = "/**\n * Text.\n *\n * @since 0.1.0\n * @category models\n */\n"

  it.each([
    ["export const a = 1", [{ line: 1, name: "a", missing: ["@since", "@category"] }]],
    [
      `${documented}export const a = 1\nexport interface B {}`,
      [{ line: 8, name: "B", missing: ["@since", "@category"] }]
    ],
    ["/** @since 0.1.0 */\nexport class C {}", [{ line: 2, name: "C", missing: ["@category"] }]],
    [`export {\n  d\n} from "./d.js"`, [{ line: 2, name: "d", missing: ["@since", "@category"] }]],
    [`// @since 1 @category x \nexport type E = 1`, [{ line: 2, name: "E", missing: ["@since", "@category"] }]]
  ])("finds %j", (text, offences) => {
    expect(Docs.offences("a.ts", text)).toEqual(offences)
  })

  it.each([
    [`${documented}export const a = 1`],
    [`${documented}export function f(a: 1): 1\nexport function f(a: 2): 2\nexport function f(a: any) { return a }`],
    ["const a = 1"]
  ])("has nothing to say about %j", (text) => {
    expect(Docs.offences("a.ts", text)).toEqual([])
  })
})
