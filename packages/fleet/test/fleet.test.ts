/** The real thing, shortened: processes, a store and a database of its own, each kind of fault once. */
import { expect, it } from "@effect/vitest"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as Effect from "effect/Effect"
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
          } = yield* Fleet.run({ ...options, client, bus }, { say: () => Effect.void })
          expect(counts.stales.map(Report.stale)).toEqual([])
          // Whatever else a database may lose, this one loses nothing.
          if (database === "PostgreSQL") {
            expect(counts.lost.map(Report.lost)).toEqual([])
            expect(ending.differences).toEqual([])
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
  }
)
