/** The mutants that `pnpm simulate:mutants` makes: whether they still fit the sources. */
import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import * as Mutant from "../src/Mutant.js"

const sources = new URL("../../cache/src/", import.meta.url)

it.each(Mutant.all.map((mutant) => [mutant.name, mutant] as const))(
  "the text that %s replaces is in the sources once",
  (_, { edits }) => {
    for (const { file, find } of edits) {
      const parts = readFileSync(new URL(file, sources), "utf8").split(find)
      expect(parts.length - 1, `${file}: ${find}`).toBe(1)
    }
  }
)

it("no two mutants have one name", () => {
  expect(new Set(Mutant.all.map(({ name }) => name)).size).toBe(Mutant.all.length)
})
