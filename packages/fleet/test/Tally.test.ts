import { describe, expect, it } from "@effect/vitest"
import type * as Judge from "../src/Judge.js"
import * as Report from "../src/Report.js"
import * as Tally from "../src/Tally.js"

/** Switched on through the first process at 1000, acknowledged at 1010. */
const ending = { millis: 120, stored: new Map<string, boolean>(), differences: [] }

const flipped = () => {
  const tally = Tally.make(["dark-mode"], 100)
  const end = { millis: 1_010, outcome: "everywhere" } as const
  tally.histories.get("dark-mode")!.push({ value: true, by: "1.1", sentMillis: 1_000, end })
  const answered = (value: boolean, sentMillis: number) => {
    const read: Judge.Read = { value, by: "2.1", sentMillis, answeredMillis: sentMillis + 2 }
    tally.answered("dark-mode", "team 7", read)
  }
  return { tally, answered }
}

describe("Tally", () => {
  it("the delay of a flip is the time to the last old answer, and zero when there was none", () => {
    const { answered, tally } = flipped()
    expect(tally.counts().lags("everywhere")).toEqual([0])
    for (const millis of [1_020, 1_050, 1_030]) answered(false, millis)
    answered(true, 1_080)
    expect(tally.counts().lags("everywhere")).toEqual([40])
    expect(tally.counts()).toMatchObject({ requests: 4, stale: 0 })
  })

  it("an answer beyond the bound is kept with its history, the worst is told, and the report says it all", () => {
    const { answered, tally } = flipped()
    answered(false, 1_310)
    answered(false, 1_210)
    const { stale, stales, worstStaleMillis } = tally.counts()
    expect([stale, worstStaleMillis, stales.length]).toEqual([2, 300, 2])
    expect(Report.stale(stales[0]!)).toBe(
      [
        "  dark-mode, team 7: off through 2.1, answered 2.0 ms, 300 ms after the flip",
        "    on  through 1.1: sent -310 ms, everywhere -300 ms",
        ""
      ].join("\n")
    )
  })

  it("a stale answer that the database explains is told apart, with the write that it lost", () => {
    const { answered, tally } = flipped()
    answered(false, 1_310)
    expect(Report.exitCode({ counts: tally.counts(), ending })).toBe(1)
    tally.stored("dark-mode", true)
    expect(tally.counts()).toMatchObject({ stale: 1, staleOfDatabase: 0, lost: [] })
    expect(Report.exitCode({ counts: tally.counts(), ending })).toBe(1)
    tally.stored("dark-mode", false)
    const counts = tally.counts()
    expect(counts).toMatchObject({ stale: 0, worstStaleMillis: 0, stales: [], staleOfDatabase: 1 })
    expect(Report.exitCode({ counts, ending })).toBe(3)
    const [lost, stale, ...more] = Report.details({ counts, ending })
    expect(lost).toBe(
      ["  dark-mode: the database says off, after", "    on  through 1.1: sent 0.0 ms, everywhere 10 ms", ""].join("\n")
    )
    expect(stale).toContain("not the cache's, the database lost the write:\n  dark-mode, team 7: off through 2.1")
    expect(more).toEqual([])
  })

  it("a run in which nothing was stale and nothing lost is a success", () => {
    const { answered, tally } = flipped()
    answered(true, 1_310)
    tally.stored("dark-mode", true)
    expect(Report.exitCode({ counts: tally.counts(), ending })).toBe(0)
  })

  it("an answer in the end that is not the database's is told, and no success, unless the database lost a write", () => {
    const { tally } = flipped()
    tally.stored("dark-mode", true)
    const difference = { slug: "dark-mode", what: "team 7", by: "2.1", answer: false } as const
    const other = { ...ending, differences: [difference] }
    expect(Report.exitCode({ counts: tally.counts(), ending: other })).toBe(1)
    expect(Report.details({ counts: tally.counts(), ending: other })).toEqual([
      "  dark-mode, team 7: off through 2.1 in the end\n"
    ])
    tally.stored("dark-mode", false)
    expect(Report.exitCode({ counts: tally.counts(), ending: other })).toBe(3)
  })

  it("failures are counted by their status", () => {
    const { tally } = flipped()
    for (const status of ["503", "no connection", "503"]) tally.failed(status)
    expect([...tally.counts().failures]).toEqual([
      ["503", 2],
      ["no connection", 1]
    ])
    expect(tally.counts().requests).toBe(3)
  })
})

describe("Report", () => {
  it("names the seed, the bound, the stale answers and the distribution of the delay", () => {
    const { answered, tally } = flipped()
    answered(false, 1_310)
    const run = { client: "redis", seconds: 60, instances: 4, rate: 1, seed: "s", memoryMillis: 50 } as const
    const options = { ...run, database: "auto", bus: "pubsub" } as const
    const counts = tally.counts()
    const table = Report.table({
      options,
      boundMillis: 100,
      database: "PGlite",
      counts,
      faults: new Map(),
      ending,
      hits: 7,
      misses: 2
    })
    const said = (name: string, text: string) => expect(table).toContain(`${name.padEnd(24)}  ${text}\n`)
    said("database", "PGlite")
    said("run", "60 s, 4 instances, seed s")
    said("bound", "100 ms")
    said("stale answers", "1, the worst 300 ms late")
    said("writes the database lost", "0")
    said("in the end", "every instance says what the database says, after 120 ms")
    said("invalidation delay", "p50 300 ms, p90 300 ms, p99 300 ms, max 300 ms")
  })
})
