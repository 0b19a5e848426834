/** What the outcomes of a run mean, given what is known to fail. */
import { type Known, reasons } from "./knownFailures.js"

export interface Outcome {
  readonly file: string
  readonly test: string
  readonly state: "passed" | "failed" | "skipped"
  readonly message: string
}

export interface Verdict {
  readonly passed: number
  readonly skipped: number
  readonly known: ReadonlyArray<readonly [known: Known, outcome: Outcome]>
  readonly unknown: ReadonlyArray<Outcome>
  /** Entries whose tests all pass. */
  readonly stale: ReadonlyArray<Known>
}

const matches = (glob: string, file: string): boolean =>
  new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*")}$`).test(file)

const isAbout = ({ file, test }: Known, outcome: Outcome): boolean =>
  matches(file, outcome.file) && (test === undefined || test === outcome.test)

export const judge = (outcomes: ReadonlyArray<Outcome>, known: ReadonlyArray<Known>): Verdict => {
  const failed = outcomes.filter(({ state }) => state === "failed")
  const ran = outcomes.filter(({ state }) => state !== "skipped")
  const explained = failed.map((outcome) => [known.find((one) => isAbout(one, outcome)), outcome] as const)
  return {
    passed: outcomes.filter(({ state }) => state === "passed").length,
    skipped: outcomes.length - ran.length,
    known: explained.flatMap(([one, outcome]) => (one === undefined ? [] : [[one, outcome] as const])),
    unknown: explained.flatMap(([one, outcome]) => (one === undefined ? [outcome] : [])),
    stale: known.filter((one) => {
      const concerned = ran.filter((outcome) => isAbout(one, outcome))
      return concerned.length > 0 && concerned.every(({ state }) => state === "passed")
    })
  }
}

const nameOf = ({ file, test }: { readonly file: string; readonly test?: string }) =>
  test === undefined ? file : `${file}: ${test}`

/** Whether nothing happened that is not known. */
export const isGood = ({ stale, unknown }: Verdict): boolean => stale.length === 0 && unknown.length === 0

export const describe = (verdict: Verdict): string => {
  const { known, passed, skipped, stale, unknown } = verdict
  const lines = [
    ...unknown.map((outcome) => `FAILED  ${nameOf(outcome)}\n        ${outcome.message.split("\n")[0]}`),
    ...stale.map((one) => `PASSES  ${nameOf(one)}\n        and is listed as a known failure: take it off the list`),
    ...Object.entries(reasons).flatMap(([reason, text]) => {
      const count = known.filter(([one]) => one.reason === reason).length
      return count === 0 ? [] : [`${String(count).padStart(6)}  known: ${text}`]
    }),
    `${passed} passed, ${unknown.length} failed, ${known.length} failed as is known, ${skipped} skipped by the suite`
  ]
  return lines.join("\n")
}
