/**
 * Measuring on a shared machine: several rounds of each case in turn, so that a disturbance meets all of them, and the
 * median of the rounds. Figures are comparable within one run only.
 */
import * as Effect from "effect/Effect"

const rounds = 15

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** Runs each case `operations` times a round, and answers the median of nanoseconds for one operation. */
export const nanoseconds = <R>(
  operations: number,
  cases: Readonly<Record<string, (i: number) => Effect.Effect<unknown, unknown, R>>>
): Effect.Effect<Readonly<Record<string, number>>, unknown, R> =>
  Effect.gen(function* () {
    const measured = new Map<string, Array<number>>(Object.keys(cases).map((name) => [name, []]))
    let turn = 0
    // The first two rounds warm the compiler up.
    for (let round = -2; round < rounds; round++) {
      for (const [name, one] of Object.entries(cases)) {
        const started = process.hrtime.bigint()
        for (let i = 0; i < operations; i++) yield* one(turn++)
        const took = Number(process.hrtime.bigint() - started) / operations
        if (round >= 0) measured.get(name)!.push(took)
      }
    }
    return Object.fromEntries([...measured].map(([name, values]) => [name, median(values)]))
  })

/** Bytes of heap in use after collecting what nobody holds. Needs `node --expose-gc`. */
export const heapBytes = (): number => {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}
