/**
 * What the pages say about the repository, where it can be looked up.
 */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as Example from "../src/Example.js"
import * as Repository from "../src/Repository.js"

/** The targets of relative links that do not exist. */
const dead = (page: string, text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !existsSync(new URL(target, `file://${Repository.root}${page}`)))

/** What the `npm install` lines of a page install: by name, the version they ask for. */
const installed = (text: string): ReadonlyMap<string, string> =>
  new Map(
    [...text.matchAll(/^npm install (.*)$/gm)]
      .flatMap(([, words]) => words!.split(/\s+/))
      .filter((word) => !word.startsWith("-"))
      .map((word) => {
        const [, name, version] = /^(@?[^@]+)@?(.*)$/.exec(word)!
        return [name!, version!]
      })
  )

/** What somebody who copies the lines is left without, or gets in a version that the package does not take. */
const lacking = (
  { name, ranges }: Pick<Repository.Package, "name" | "ranges">,
  text: string
): ReadonlyArray<string> => {
  const lines = installed(text)
  const peers = Object.entries(ranges).filter(([peer, range]) => {
    const version = lines.get(peer)
    const fits = () => range.split(" || ").some((one) => `${one}.`.startsWith(`^${version}.`))
    return version === undefined || (version !== "" && !fits())
  })
  return [...(lines.has(name) ? [] : [name]), ...peers.map(([peer]) => peer)]
}

describe("pages", () => {
  it.each(Repository.pages)("every link of %s leads somewhere", (page) => {
    expect(dead(page, Repository.read(page))).toEqual([])
  })

  it("a link that leads nowhere is found out", () => {
    expect(dead("docs/a.md", "[a](../README.md) [b](gone.md#part) [c](https://example.com) [d](#here)")).toEqual([
      "gone.md"
    ])
  })

  it.each(Repository.publicPackages.map(({ folder, name }) => [name, folder]))("%s has a page", (name, folder) => {
    expect(Repository.read(`packages/${folder}/README.md`)).toContain(`# ${name}\n`)
    expect(Repository.read("README.md")).toContain(`(packages/${folder})`)
  })

  it.each(Repository.publicPackages.map((one) => [one.name, one] as const))(
    "who copies what the page of %s says to install has every peer",
    (_, one) => {
      expect(lacking(one, Repository.read(`packages/${one.folder}/README.md`))).toEqual([])
    }
  )

  it("a peer that is not installed, or in another version, is found out", () => {
    const ranges = { effect: "^3.22.0", ioredis: "^5.11.0 || ^6.0.0", vitest: "^3.2.0", "@a/b": "^0.52.0", c: "^1.0.0" }
    const page = "npm install @larder/x effect@3 @a/b@0.5\nnpm install --save-dev ioredis@6 vitest@4\n"
    expect(lacking({ name: "@larder/x", ranges }, page)).toEqual(["vitest", "@a/b", "c"])
    expect(lacking({ name: "@larder/y", ranges: { ioredis: "^10 || ^11" } }, "npm install ioredis@11")).toEqual([
      "@larder/y"
    ])
  })

  it("every test that docs/failure-modes.md names is where it says", () => {
    const page = Repository.read("docs/failure-modes.md")
    const named = [...page.matchAll(/\[([^\]]+)\]\(\.\.\/(packages\/[^)]+\.ts)\)/g)]
    expect(named.length).toBeGreaterThan(30)
    const absent = named.filter(([, title, file]) => !Repository.read(file!).includes(title!))
    expect(absent.map(([, title]) => title)).toEqual([])
  })

  it("every field of a policy is in docs/policies.md", () => {
    const policy = /interface CachePolicy<.*?\n}/s.exec(Repository.read("packages/cache/src/CachePolicy.ts"))![0]
    const fields = [...policy.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, field]) => `| \`${field!}\` |`)
    const page = Repository.read("docs/policies.md")
    expect(fields.length).toBeGreaterThan(5)
    expect(fields.filter((field) => !page.includes(field))).toEqual([])
  })
})

describe("README", () => {
  const readme = Repository.read("README.md")

  it("begins with an example of fifteen lines of code", () => {
    const [first] = Example.fromMarkdown("README.md", readme)
    expect(first!.code.split("\n").filter((line) => line.trim() !== "")).toHaveLength(15)
  })

  it("names no script that there is not", () => {
    const { scripts } = JSON.parse(Repository.read("package.json"))
    const named = [...readme.matchAll(/pnpm@10 (\w+)/g)].map(([, script]) => script!)
    expect(named).toEqual(expect.arrayContaining(["demo", "test"]))
    expect(named.filter((script) => script !== "install" && scripts[script] === undefined)).toEqual([])
  })

  it.each([
    "BaseCacheProxy",
    "withCache",
    "withoutCache",
    "invalidateKeys",
    "buildCacheKey",
    "CACHE_TTL",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN"
  ])("says what the RFC's %s has become", (word) => {
    expect(readme.split("\n").filter((line) => line.startsWith("|") && line.includes(word))).not.toEqual([])
  })
})
