/**
 * A Node process that this one starts, can freeze, and kills with its scope: by its id, and by nothing else. A shell
 * stands guard: when this process is gone without a word, its pipe closes and the shell kills the child.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"

export interface Program {
  /** A JavaScript file. */
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly variables: Readonly<Record<string, string>>
}

export interface Child {
  readonly alive: () => boolean
  /** The end of what it wrote to standard error. */
  readonly said: () => string
  /** SIGKILL; ends when the process is gone. */
  readonly kill: Effect.Effect<void>
  /** SIGTERM; ends when the process is gone. Answers its exit code. */
  readonly end: Effect.Effect<number | null>
  readonly suspend: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

/** What a program needs of the environment. Variables that name servers are not for it. */
const inherited = ["PATH", "HOME", "TMPDIR"].flatMap((name) => {
  const value = process.env[name]
  return value === undefined ? [] : [[name, value] as const]
})

const guard = (child: ChildProcess): void => {
  if (child.pid === undefined) return
  const wait = 'read -r _; kill -9 "$0"'
  const shell = spawn("sh", ["-c", wait, String(child.pid)], { stdio: ["pipe", "ignore", "ignore"], detached: true })
  // Without a shell there is no guard, and everything else works.
  shell.once("error", () => {})
  shell.stdin.once("error", () => {})
  shell.unref()
  // Afterwards the process id may be somebody else's.
  child.once("exit", () => shell.kill("SIGKILL"))
}

const spawned = ({ args, file, variables }: Program): Child => {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...Object.fromEntries(inherited), ...variables },
    stdio: ["ignore", "ignore", "pipe"]
  })
  guard(child)
  let said = ""
  child.stderr.on("data", (data: Buffer) => (said = `${said}${data.toString("utf8")}`.slice(-2_000)))
  child.once("error", (error) => (said = error.message))
  const alive = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined
  const gone = (signal: "SIGKILL" | "SIGTERM") =>
    Effect.async<number | null>((resume) => {
      if (!alive()) return resume(Effect.succeed(child.exitCode))
      child.once("exit", (code) => resume(Effect.succeed(code)))
      child.kill(signal)
    })
  const send = (signal: "SIGSTOP" | "SIGCONT") => Effect.sync(() => void child.kill(signal))
  return {
    alive,
    said: () => said,
    kill: Effect.asVoid(gone("SIGKILL")),
    end: gone("SIGTERM"),
    suspend: send("SIGSTOP"),
    resume: send("SIGCONT")
  }
}

export const start = (program: Program): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => spawned(program)),
    (child) => child.kill
  )
