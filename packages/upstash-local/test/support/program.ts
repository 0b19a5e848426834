/** The program as a user starts it: another process. */
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"

const main = fileURLToPath(new URL("../../src/internal/cli/main.ts", import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href

/** Starts it; it is killed with the scope, if it lives still. */
export const start = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const env = { ...process.env, UPSTASH_REDIS_REST_TOKEN: "", ...environment }
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--import", tsx, main, ...args], { stdio: ["ignore", "pipe", "pipe"], env })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const printed = { out: "", err: "" }
    child.stdout.on("data", (data: Buffer) => (printed.out += data.toString()))
    child.stderr.on("data", (data: Buffer) => (printed.err += data.toString()))
    let code: number | null | undefined
    child.once("close", (exitCode) => (code = exitCode))

    const ended = Effect.async<number | null>((resume) => {
      if (code !== undefined) return resume(Effect.succeed(code))
      child.once("close", (exitCode) => resume(Effect.succeed(exitCode)))
    })
    /** The variables it printed; dies when it ends without. */
    const serving = Effect.async<{ readonly url: string; readonly token: string }>((resume) => {
      const look = () => {
        const found = /^UPSTASH_REDIS_REST_URL=(\S+)\nUPSTASH_REDIS_REST_TOKEN=(\S+)\n$/.exec(printed.out)
        if (found !== null) resume(Effect.succeed({ url: found[1]!, token: found[2]! }))
      }
      child.stdout.on("data", look)
      child.once("close", () => resume(Effect.dieMessage(`it ended: ${printed.err}`)))
      look()
    })
    return { printed, ended, serving, signal: (name: NodeJS.Signals) => Effect.sync(() => child.kill(name)) }
  })
