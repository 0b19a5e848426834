/**
 * Other programs, run to their end.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** A program ended with another code than the expected one, or something is not as it must be. */
export class CheckFailed extends Schema.TaggedError<CheckFailed>("checks/CheckFailed")("CheckFailed", {
  what: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.what}\n${this.detail}`
  }
}

/** Runs a program in a folder and answers what it printed; fails with that when its exit code is not zero. */
export const run = (
  cwd: string,
  program: string,
  ...args: ReadonlyArray<string>
): Effect.Effect<string, CheckFailed, CommandExecutor.CommandExecutor> =>
  Effect.scoped(
    Effect.gen(function* () {
      const command = Command.make(program, ...args).pipe(Command.workingDirectory(cwd), Command.stdin("inherit"))
      const child = yield* Command.start(command)
      const text = (stream: Stream.Stream<Uint8Array, unknown>) => Stream.mkString(Stream.decodeText(stream))
      const [out, err, code] = yield* Effect.all([text(child.stdout), text(child.stderr), child.exitCode], {
        concurrency: "unbounded"
      })
      if (code === 0) return out
      return yield* new CheckFailed({ what: `${program} ${args.join(" ")} (exit code ${code})`, detail: out + err })
    })
  ).pipe(
    Effect.mapError((error) =>
      error instanceof CheckFailed ? error : new CheckFailed({ what: program, detail: String(error) })
    )
  )
