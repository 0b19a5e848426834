/** What a simulation came to, as text. */
import type { Tally } from "@larder/testing/World"

const count = (number: number): string => Math.round(number).toLocaleString("en")

/** One line, while it runs. */
export const line = ({ answers, faults, runs, steps }: Tally): string => {
  const met = [...faults.values()].reduce((sum, one) => sum + one, 0)
  return `${count(runs)} runs, ${count(steps)} steps, ${count(met)} faults, ${count(answers)} answers`
}

export const whole = (tally: Tally): string => {
  const { answers, faults, millis, runs, staleness, steps } = tally
  const kinds = [...faults].sort(([one], [other]) => (one < other ? -1 : 1))
  return [
    `runs      ${count(runs)}, of ${count(millis / 1000)} seconds in all`,
    `steps     ${count(steps)}`,
    `answers   ${count(answers)}, each checked`,
    "faults",
    ...kinds.map(([kind, times]) => `  ${kind.padEnd(24)} ${count(times).padStart(10)}`),
    "oldest answers, in milliseconds",
    "  after an invalidation",
    "    on its own instance             none",
    `    elsewhere, bus healthy          ${count(staleness.heard)}`,
    `    elsewhere, bus disturbed        ${count(staleness.missed)}`,
    `  after a change nobody told of     ${count(staleness.untold)}`,
    `  in a window, after its own time   ${count(staleness.window)}`
  ].join("\n")
}
