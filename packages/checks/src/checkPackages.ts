/**
 * Builds and packs every public package, looks at the tarballs as a registry would, and uses them as a stranger would.
 *
 *     pnpm check:packages
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Consumer from "./Consumer.js"
import * as Process from "./Process.js"
import * as Repository from "./Repository.js"

const bin = (name: string) => `${Repository.root}packages/checks/node_modules/.bin/${name}`

/** Says what was done and how long it took. */
const step = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.timed(effect).pipe(
    Effect.tap(([took]) =>
      Console.log(`ok  ${name} (${Duration.format(Duration.millis(Math.round(Duration.toMillis(took))))})`)
    ),
    Effect.map(([, value]) => value)
  )

const build = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  for (const { folder } of Repository.publicPackages) {
    yield* fs.remove(`${Repository.root}packages/${folder}/dist`, { recursive: true, force: true })
  }
  yield* Process.run(Repository.root, "pnpm", "build")
})

const pack = (folder: string, destination: string) =>
  Process.run(`${Repository.root}packages/${folder}`, "pnpm", "pack", "--json", "--pack-destination", destination).pipe(
    Effect.map((json) => String(JSON.parse(json).filename))
  )

const allowed = /^(LICENSE|README\.md|CHANGELOG\.md|package\.json|src\/.*\.ts|dist\/.*\.(js|d\.ts)(\.map)?)$/

/** A tarball has its modules, their sources for the debugger, its license and its page, and nothing else. */
const contents = Effect.fn("contents")(function* (tarball: string, modules: ReadonlyArray<string>) {
  const listing = yield* Process.run(Repository.root, "tar", "-tzf", tarball)
  const files = new Set(
    listing
      .trim()
      .split("\n")
      .map((line) => line.replace(/^package\//, ""))
  )
  const wanted = [
    "LICENSE",
    "README.md",
    ...["index", ...modules].flatMap((module) => [`dist/${module}.js`, `dist/${module}.d.ts`, `src/${module}.ts`])
  ]
  const missing = wanted.filter((file) => !files.has(file)).map((file) => `${file} is missing`)
  const foreign = [...files].filter((file) => !allowed.test(file)).map((file) => `${file} should not be there`)
  const detail = [...missing, ...foreign].join("\n")
  if (detail !== "") return yield* new Process.CheckFailed({ what: `contents of ${tarball}`, detail })
})

const inspect = Effect.fn("inspect")(function* (tarball: string, modules: ReadonlyArray<string>) {
  yield* contents(tarball, modules)
  yield* Process.run(Repository.root, bin("publint"), "run", tarball, "--strict")
  const options = ["--profile", "esm-only", "--no-emoji", "--entrypoints", ".", ...modules]
  yield* Process.run(Repository.root, bin("attw"), tarball, ...options)
})

/** Names resolve alike in both compilers, so the slower one is asked once. */
const compilers = [
  ["typescript", "NodeNext"],
  ["typescript", "Bundler"],
  ["typescript-5", "NodeNext"]
] as const

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const temporary = yield* fs.makeTempDirectoryScoped({ prefix: "larder-packages-" })
  const [consumer, application] = [`${temporary}/consumer`, `${temporary}/application`]
  yield* Effect.forEach([consumer, application], (folder) => fs.makeDirectory(folder))

  yield* step("build", build)
  const tarballs: Record<string, string> = {}
  for (const { folder, modules, name } of Repository.publicPackages) {
    const tarball = yield* step(`${name}: pack`, pack(folder, temporary))
    yield* step(`${name}: contents, publint, attw`, inspect(tarball, modules))
    tarballs[name] = tarball
  }
  yield* step("install into an empty folder", Consumer.install(consumer, tarballs))
  for (const one of Repository.publicPackages) {
    const printed = yield* step(`${one.name}: import every entry point`, Consumer.importAll(consumer, one))
    const counts = printed.split("\n").filter((line) => line.startsWith(one.name))
    yield* Console.log(counts.map((line) => `      ${line}`).join("\n"))
  }
  for (const one of Repository.publicPackages.filter(({ programs }) => programs.length > 0)) {
    yield* step(`${one.name}: run ${one.programs.join(", ")}`, Consumer.runPrograms(consumer, one))
  }
  yield* step("what is private is refused", Consumer.refusePrivate(consumer))
  for (const [typescript, resolution] of compilers) {
    yield* step(`compile with ${typescript}, ${resolution}`, Consumer.compile(consumer, typescript, resolution))
  }
  yield* step("npm: install into an application of Effect's packages", Consumer.installWithNpm(application, tarballs))
  for (const one of Repository.publicPackages.filter(({ peers }) => peers.includes("ioredis"))) {
    yield* step(`npm: ${one.name}: import every entry point`, Consumer.importAll(application, one))
  }
  yield* step("npm: compile", Consumer.compile(application, "typescript", "NodeNext"))
}).pipe(
  Effect.scoped,
  Effect.tapErrorTag("CheckFailed", (failure) => Console.error(`\nFAILED  ${failure.message}`)),
  Effect.provide(NodeContext.layer)
)

NodeRuntime.runMain(program, { disableErrorReporting: true })
