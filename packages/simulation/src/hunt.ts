/** Runs the simulation for a while, in the copy where it is put; prints how many runs it took to find something. */
import * as World from "@larder/testing/World"
import * as Effect from "effect/Effect"

Error.stackTraceLimit = 0

const [millis, runs, seed] = process.argv.slice(2).map(Number)
const end = performance.now() + millis!
let done = 0
for (let next = seed!; performance.now() < end && done < runs!; next++) {
  const { tally, violation } = Effect.runSync(World.simulate({ seed: next, runs: 25, shrinkMillis: 0 }))
  done += tally.runs
  if (violation === undefined) continue
  console.log(`${done} ${violation.what}`)
  process.exit(0)
}
console.log(done)
