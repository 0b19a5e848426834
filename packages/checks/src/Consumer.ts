/**
 * Somebody who installs the packages: an empty folder outside the workspace, with nothing but the tarballs and the
 * packages they name as peers.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Example from "./Example.js"
import * as Process from "./Process.js"
import * as Repository from "./Repository.js"

/** `@larder/cache`, `@larder/cache/Store`, … */
const entryPointsOf = ({ modules, name }: Repository.Package): ReadonlyArray<string> => [
  name,
  ...modules.map((module) => `${name}/${module}`)
]

/** The version of a package that a package of the workspace has. */
const versionIn = (folder: string, name: string): readonly [name: string, version: string] => [
  name,
  String(JSON.parse(Repository.read(`packages/${folder}/node_modules/${name}/package.json`)).version)
]

/** The versions that the workspace itself has of everything a public package wants beside it. */
const peerVersions = (): Record<string, string> =>
  Object.fromEntries(
    Repository.publicPackages.flatMap(({ folder, peers }) =>
      peers.filter((peer) => !peer.startsWith("@larder/")).map((peer) => versionIn(folder, peer))
    )
  )

const filesOf = (tarballs: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]))

/** Installs the tarballs as pnpm does it: a package sees only what it names itself. */
export const install = Effect.fn("Consumer.install")(function* (folder: string, tarballs: Record<string, string>) {
  const fs = yield* FileSystem.FileSystem
  const files = filesOf(tarballs)
  const manifest = {
    name: "consumer",
    private: true,
    type: "module",
    dependencies: { ...peerVersions(), ...files },
    pnpm: { overrides: files }
  }
  yield* fs.writeFileString(`${folder}/package.json`, JSON.stringify(manifest, undefined, 2))
  const options = [
    "--ignore-workspace",
    "--no-frozen-lockfile",
    "--ignore-scripts",
    "--config.hoist=false",
    "--reporter=append-only"
  ]
  yield* Process.run(folder, "pnpm", "install", ...options)
})

/**
 * Installs the tarballs as npm does it, into an application of Effect's own packages: npm chooses every peer itself, one
 * version for all who want it, and refuses where there is none.
 */
export const installWithNpm = Effect.fn("Consumer.installWithNpm")(function* (
  folder: string,
  tarballs: Record<string, string>
) {
  const fs = yield* FileSystem.FileSystem
  const application = ["effect", "@effect/platform-node", "@effect/sql-pg"].map((name) => versionIn("checks", name))
  const manifest = {
    name: "application",
    private: true,
    type: "module",
    dependencies: { ...Object.fromEntries(application), ...filesOf(tarballs) }
  }
  yield* fs.writeFileString(`${folder}/package.json`, JSON.stringify(manifest, undefined, 2))
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--no-package-lock"]
  yield* Process.run(folder, "npm", "install", ...options)
})

/** Imports each entry point of a package, with plain Node or, where it is a tool for tests, within a test. */
export const importAll = Effect.fn("Consumer.importAll")(function* (folder: string, of: Repository.Package) {
  const fs = yield* FileSystem.FileSystem
  const program = `
    for (const name of ${JSON.stringify(entryPointsOf(of))}) {
      console.log(name, Object.keys(await import(name)).length)
    }`
  if (!of.peers.includes("vitest")) {
    yield* fs.writeFileString(`${folder}/import.mjs`, program)
    return yield* Process.run(folder, "node", "import.mjs")
  }
  const test = `import { it } from "vitest"\nit("imports", async () => {${program}\n})`
  yield* fs.writeFileString(`${folder}/import.test.mjs`, test)
  return yield* Process.run(folder, `${folder}/node_modules/.bin/vitest`, "run", "--disable-console-intercept")
})

/** Runs each program of a package: it knows its version, and says what it can be asked for. */
export const runPrograms = Effect.fn("Consumer.runPrograms")(function* (folder: string, of: Repository.Package) {
  for (const program of of.programs) {
    const run = (option: string) => Process.run(folder, `${folder}/node_modules/.bin/${program}`, option)
    const version = yield* run("--version")
    const help = yield* run("--help")
    if (version.trim() !== of.version || !help.startsWith("Usage: ")) {
      return yield* new Process.CheckFailed({ what: `the program ${program}`, detail: `${version}\n${help}` })
    }
  }
})

/** Nobody gets at what is private, by any name. */
export const refusePrivate = Effect.fn("Consumer.refusePrivate")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const names = Repository.publicPackages.flatMap(({ folder: from, name }) => [
    `${name}/index`,
    ...Repository.sources(from)
      .filter((file) => file.includes("/src/internal/"))
      .flatMap((file) => {
        const module = file.replace(/.*\/src\//, "").slice(0, -".ts".length)
        return [`${name}/${module}`, `${name}/${module}.js`, `${name}/dist/${module}.js`]
      })
  ])
  const program = `
    for (const name of ${JSON.stringify(names)}) {
      const code = await import(name).then(() => "nothing", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED" && code !== "ERR_MODULE_NOT_FOUND") {
        console.log(name, "is refused by", code)
        process.exitCode = 1
      }
    }`
  yield* fs.writeFileString(`${folder}/private.mjs`, program)
  yield* Process.run(folder, "node", "private.mjs")
})

/** What the compilers are shown: every entry point, and the README's own first program. */
const program = (): string => {
  const entryPoints = Repository.publicPackages.flatMap(entryPointsOf)
  const [first] = Example.fromMarkdown("README.md", Repository.read("README.md"))
  return [
    ...entryPoints.map((name, index) => `import * as entry${index} from "${name}"`),
    first?.code ?? "",
    `export const entries = [${entryPoints.map((_, index) => `entry${index}`).join(", ")}]`
  ].join("\n")
}

/**
 * Compiles a program of the consumer's with a compiler, without skipping the declarations of libraries: complaints
 * about files of others are theirs, complaints about ours or about the program are not allowed.
 */
export const compile = Effect.fn("Consumer.compile")(function* (
  folder: string,
  typescript: "typescript" | "typescript-5",
  moduleResolution: "NodeNext" | "Bundler"
) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFileString(`${folder}/program.ts`, program())
  const config = {
    compilerOptions: {
      target: "ES2022",
      lib: ["ES2023", "DOM"],
      types: [],
      module: moduleResolution === "NodeNext" ? "NodeNext" : "ESNext",
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true
    },
    files: ["program.ts"]
  }
  yield* fs.writeFileString(`${folder}/tsconfig.json`, JSON.stringify(config))
  const tsc = `${Repository.root}packages/checks/node_modules/${typescript}/bin/tsc`
  const complaints = yield* Process.run(folder, "node", tsc, "-p", ".", "--pretty", "false").pipe(
    Effect.catchAll(({ detail }) => Effect.succeed(detail))
  )
  const ours = complaints.split("\n").filter((line) => /^(program\.ts|.*@larder).*error TS/.test(line))
  if (ours.length > 0) {
    return yield* new Process.CheckFailed({ what: `${typescript}, ${moduleResolution}`, detail: ours.join("\n") })
  }
})
