/** The real thing, shortened: processes, a store and a database of its own, each kind of fault once. */
import { expect, it } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { resolve } from "node:path"
import * as Fleet from "../src/Fleet.js"
import * as Report from "../src/Report.js"

const options: Omit<Fleet.Options, "client" | "bus"> = {
  database: "auto",
  seconds: 12,
  // A machine with something else to do takes longer.
  atLeast: { flips: 10, requests: 300 },
  instances: 4,
  rate: 160,
  seed: "test",
  memoryMillis: 1_000
}

describeWithRedis(
  "Four processes of the feature flags, killed and frozen, never answer an old flag beyond the bound",
  () => {
    it.live.each([
      ["redis", "pubsub", ["instance frozen", "instance killed", "store frozen", "store restarted"]],
      ["redis", "stream", ["instance frozen", "instance killed", "store frozen", "store restarted"]],
      [
        "upstash",
        "pubsub",
        ["REST server frozen", "instance frozen", "instance killed", "store frozen", "store restarted"]
      ]
    ] as const)(
      "over %s, by %s",
      ([client, bus, faults]) =>
        Effect.gen(function* () {
          const {
            counts,
            database,
            ending,
            faults: broken,
            hits
          } = yield* Fleet.run({ ...options, client, bus }, { say: () => Effect.void, interrupted: () => Effect.void })
          expect(counts.stales.map(Report.stale)).toEqual([])
          // Whatever else a database may lose, this one loses nothing.
          if (database === "PostgreSQL") {
            expect(counts.lost.map(Report.lost)).toEqual([])
            expect(ending?.differences).toEqual([])
          }
          expect([...broken.keys()].toSorted()).toEqual(faults)
          expect(counts.flips("everywhere")).toBeGreaterThanOrEqual(10)
          expect(counts.requests).toBeGreaterThanOrEqual(300)
          expect(hits).toBeGreaterThan(0)
          // A load that is refused, or asks for what there is not, would never be stale.
          for (const status of ["400", "404"]) expect(counts.failures.has(status)).toBe(false)
        }),
      180_000
    )

    it.live(
      "Ctrl-C ends it with what was counted, and 130",
      () =>
        Effect.async<{ readonly code: number | null; readonly out: string; readonly progress: string }>((resume) => {
          const args = ["--import", "tsx", "src/main.ts", "--redis", "--seconds", "20", "--seed", "9"]
          const child = spawn(process.execPath, args, { cwd: resolve(import.meta.dirname, "..") })
          let out = ""
          let progress = ""
          child.stdout.on("data", (data) => (out += String(data)))
          child.stderr.on("data", (data) => {
            progress += String(data)
            // When a second thing is broken there has been load for a while.
            if (/load for 20 s\n.+\n.+\n/.test(progress) && !child.killed) child.kill("SIGINT")
          })
          child.once("close", (code) => resume(Effect.succeed({ code, out, progress })))
          return Effect.sync(() => child.kill("SIGKILL"))
        }).pipe(
          Effect.map(({ code, out, progress }) => {
            expect(code).toBe(130)
            expect(out).toMatch(/^seed  9\ninterrupted[^\n]*\nstore [^]*\nrequests +[1-9]/)
            expect(progress).toMatch(
              /^starting the database and the store\nstarting 4 instances over [^\n]*\nload for 20 s\n/
            )
          })
        ),
      120_000
    )
  }
)
