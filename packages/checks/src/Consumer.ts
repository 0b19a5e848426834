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
const entryPoints: ReadonlyArray<string> = Repository.publicPackages.flatMap(({ modules, name }) => [
  name,
  ...modules.map((module) => `${name}/${module}`)
])

/** The versions that the workspace itself has of everything a public package wants beside it. */
const peerVersions = (): Record<string, string> =>
  Object.fromEntries(
    Repository.publicPackages.flatMap(({ folder, peers }) =>
      peers
        .filter((peer) => !peer.startsWith("@larder/"))
        .map((peer) => {
          const manifest = Repository.read(`packages/${folder}/node_modules/${peer}/package.json`)
          return [peer, String(JSON.parse(manifest).version)]
        })
    )
  )

/** Installs the tarballs, strictly: a package sees only what it names itself, and a missing peer is an error. */
export const install = Effect.fn("Consumer.install")(function* (folder: string, tarballs: Record<string, string>) {
  const fs = yield* FileSystem.FileSystem
  const files = Object.fromEntries(Object.entries(tarballs).map(([name, path]) => [name, `file:${path}`]))
  const manifest = {
    name: "consumer",
    private: true,
    type: "module",
    dependencies: { ...peerVersions(), ...files },
    pnpm: { overrides: files }
  }
  yield* fs.writeFileString(`${folder}/package.json`, JSON.stringify(manifest, undefined, 2))
  yield* Process.run(
    folder,
    "pnpm",
    "install",
    "--ignore-workspace",
    "--no-frozen-lockfile",
    "--ignore-scripts",
    "--config.auto-install-peers=false",
    "--config.strict-peer-dependencies=true"
  )
})

/** Imports each entry point with plain Node; nobody reaches into `internal/`. */
export const importAll = Effect.fn("Consumer.importAll")(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const privates = Repository.publicPackages.map(({ name }) => `${name}/internal/anything`)
  const program = `
    for (const name of ${JSON.stringify(entryPoints)}) {
      const count = Object.keys(await import(name)).length
      if (count === 0) throw new Error(name + " exports nothing")
      console.log(name, count)
    }
    for (const name of ${JSON.stringify([...privates, ...Repository.publicPackages.map(({ name }) => `${name}/index`)])}) {
      const code = await import(name).then(() => "nothing", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error("importing " + name + " is refused by " + code)
    }`
  yield* fs.writeFileString(`${folder}/import-all.mjs`, program)
  return yield* Process.run(folder, "node", "import-all.mjs")
})

/** What the compilers are shown: every entry point, and the README's own first program. */
const program = (): string => {
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
