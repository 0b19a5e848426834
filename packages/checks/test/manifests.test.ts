/**
 * What the manifests of the packages promise, where an installation would not notice that it is missing.
 */
import { existsSync, readdirSync } from "node:fs"
import { isBuiltin } from "node:module"
import ts from "typescript-5"
import { describe, expect, it } from "vitest"
import * as Repository from "../src/Repository.js"

const folders = readdirSync(`${Repository.root}packages`).filter((folder) =>
  existsSync(`${Repository.root}packages/${folder}/package.json`)
)

const manifestOf = (folder: string) => JSON.parse(Repository.read(`packages/${folder}/package.json`))

/** `@larder/cache` of `@larder/cache/Store`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

/** The packages that code imports by name, with the place of the first import of each. */
const imported = (files: ReadonlyArray<readonly [file: string, text: string]>): ReadonlyMap<string, string> =>
  new Map(
    files
      .flatMap(([file, text]) =>
        ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => [fileName, file] as const)
      )
      .filter(([specifier]) => !specifier.startsWith(".") && !isBuiltin(specifier))
      .map(([specifier, file]) => [packageOf(specifier), file] as const)
      .toReversed()
  )

const undeclared = (
  manifest: { readonly name: string } & Record<string, any>,
  files: ReadonlyArray<readonly [file: string, text: string]>
): ReadonlyArray<string> => {
  const declared = new Set([
    manifest.name,
    ...Object.keys(manifest["dependencies"] ?? {}),
    ...Object.keys(manifest["peerDependencies"] ?? {}),
    // Nobody installs a private package, so it may keep everything in one list.
    ...(manifest["private"] === true ? Object.keys(manifest["devDependencies"] ?? {}) : [])
  ])
  return [...imported(files)]
    .filter(([name]) => !declared.has(name))
    .map(([name, file]) => `${file} imports ${name}, which the package does not depend on`)
}

describe("manifests", () => {
  it.each(folders)("%s depends on every package it imports", (folder) => {
    const files = Repository.sources(folder).map((file) => [file, Repository.read(file)] as const)
    expect(undeclared(manifestOf(folder), files)).toEqual([])
  })

  it.each(Repository.publicPackages.map(({ folder }) => folder))("%s can be published", (folder) => {
    expect(manifestOf(folder)).toMatchObject({
      license: "MIT",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20.19" },
      files: ["dist", "!dist/.tsbuildinfo", "src", "README.md", "LICENSE"],
      repository: { directory: `packages/${folder}` },
      exports: { ".": "./src/index.ts", "./index": null, "./*": "./src/*.ts", "./internal/*": null },
      publishConfig: { access: "public", exports: { "./index": null, "./internal/*": null } }
    })
  })

  it.each(Repository.publicPackages.map((one) => [one.name, one] as const))(
    "%s wants no peer that neither it nor a package it brings along imports",
    (_, { folder, peers }) => {
      const brought = Repository.publicPackages.filter(({ name }) => name in (manifestOf(folder).dependencies ?? {}))
      const used = imported(
        [folder, ...brought.map((one) => one.folder)].flatMap((one) =>
          Repository.sources(one).map((file) => [file, Repository.read(file)] as const)
        )
      )
      expect(peers.filter((peer) => !used.has(peer))).toEqual([])
    }
  )

  it("the peers of Larder are those a program has of its own", () => {
    const peers = Object.fromEntries(
      Repository.publicPackages.flatMap(({ folder }) => Object.entries(manifestOf(folder).peerDependencies))
    )
    expect(peers).toMatchObject({
      "@effect/platform": "^0.97.0",
      "@larder/cache": "workspace:^",
      "@sentry/node": "^10 || ^11",
      "@upstash/redis": "^1.39.0",
      effect: "^3.22.0"
    })
  })

  it("an import that no manifest names is found out", () => {
    const manifest = { name: "a", peerDependencies: { effect: "1" }, devDependencies: { vitest: "1" } }
    const text = [
      `import type { Effect } from "effect/Effect"`,
      `import * as a from "a/b"`,
      `import "node:fs"`,
      `const redis = await import("@upstash/redis")`,
      `export { it } from "vitest"`
    ].join("\n")
    expect(undeclared(manifest, [["src/a.ts", text]])).toEqual([
      "src/a.ts imports vitest, which the package does not depend on",
      "src/a.ts imports @upstash/redis, which the package does not depend on"
    ])
    expect(undeclared({ ...manifest, private: true }, [["src/a.ts", text]])).toHaveLength(1)
  })
})
