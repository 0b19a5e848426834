/** Programs in one JavaScript file each, as they would be deployed: they start in a tenth of the time. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Esbuild from "esbuild"
import { mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export class BundleError extends Data.TaggedError("BundleError")<{ readonly message: string }> {}

export interface Programs {
  /** Where files of a run may be. */
  readonly folder: string
  readonly serve: string
  readonly upstash: string
}

const sources: Omit<Programs, "folder"> = {
  serve: createRequire(import.meta.url).resolve("example-feature-flags/serve"),
  upstash: fileURLToPath(new URL("./upstash.ts", import.meta.url))
}

/** What is left of CommonJS in a bundle asks for Node's modules by `require`. */
const banner = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`

/** Answers the files, which are there until the scope ends. */
export const make: Effect.Effect<Programs, BundleError, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "larder-fleet-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  yield* Effect.tryPromise({
    try: () =>
      Esbuild.build({
        entryPoints: { ...sources },
        outdir: folder,
        outExtension: { ".js": ".mjs" },
        bundle: true,
        platform: "node",
        format: "esm",
        logLevel: "silent",
        banner: { js: banner },
        // The database is another process's; of the driver only what is written in JavaScript is there.
        external: ["@electric-sql/*", "pg-native"]
      }),
    catch: (error) => new BundleError({ message: `the programs could not be bundled: ${String(error)}` })
  })
  return { folder, serve: join(folder, "serve.mjs"), upstash: join(folder, "upstash.mjs") }
})
