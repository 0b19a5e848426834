/** Histories by hand, in milliseconds. The bound is 100. */
import { describe, expect, it } from "@effect/vitest"
import * as Judge from "../src/Judge.js"

const bound = 100

/** A flip through "a" unless it says otherwise, sent and acknowledged. */
const flip = (
  value: boolean,
  sentMillis: number,
  endMillis: number | undefined,
  outcome: Judge.Outcome = "everywhere",
  by = "a"
): Judge.Flip => ({
  value,
  by,
  sentMillis,
  end: endMillis === undefined ? undefined : { millis: endMillis, outcome }
})

/** An answer through "b" unless it says otherwise. */
const read = (value: boolean, sentMillis: number, answeredMillis: number, by = "b"): Judge.Read => ({
  value,
  by,
  sentMillis,
  answeredMillis
})

const on = flip(true, 1000, 1010)

describe("an answer is stale", () => {
  it.each<[string, ReadonlyArray<Judge.Flip>, Judge.Read]>([
    ["when it is on and nobody has switched it on", [], read(true, 500, 501)],
    ["when it is from before a flip acknowledged longer ago than the bound", [on], read(false, 1111, 1112)],
    [
      "when it is from before a flip that was acknowledged through the same process",
      [on],
      read(false, 1011, 1012, "a")
    ],
    ["when it is from before the last but one of two flips", [on, flip(true, 1200, 1210)], read(false, 1150, 1500)],
    ["when it is from after a flip that is not sent yet", [on, flip(false, 1300, 1310)], read(false, 1200, 1299)],
    [
      "when an acknowledged flip has ended the doubt about an earlier one",
      [flip(true, 1000, 1010, "unknown"), flip(false, 2000, 2010)],
      read(true, 2111, 2112)
    ],
    [
      "when it is from before a flip that only its own process knows of",
      [flip(true, 1000, 1010, "here")],
      read(false, 1011, 1012, "a")
    ],
    [
      "when a flip that every process knows of came after one that only its own process knew of",
      [flip(true, 1000, 1010, "here"), flip(false, 1100, 1110, "everywhere", "c")],
      read(true, 1211, 1212)
    ]
  ])("%s", (_, flips, answer) => expect(Judge.isStale(flips, answer, bound)).toBe(true))
})

describe("an answer is right", () => {
  it.each<[string, ReadonlyArray<Judge.Flip>, Judge.Read]>([
    ["when nobody has switched it on and it is off", [], read(false, 500, 501)],
    ["when it is from before a flip acknowledged within the bound", [on], read(false, 1110, 1111)],
    ["when it was sent within the bound and answered long after", [on], read(false, 1110, 9000)],
    ["when it is from before a flip that is acknowledged while it is under way", [on], read(false, 1009, 1012, "a")],
    ["when it is from after a flip that is under way", [flip(true, 1000, undefined)], read(true, 1005, 1006)],
    ["when it is from before a flip that is under way", [flip(true, 1000, undefined)], read(false, 5000, 5001)],
    ["when it is from after a flip that was sent while it was under way", [on], read(true, 990, 1001)],
    ["when a flip may have happened, and it did", [flip(true, 1000, 1010, "unknown")], read(true, 9000, 9001)],
    ["when a flip may have happened, and it did not", [flip(true, 1000, 1010, "unknown")], read(false, 9000, 9001)],
    [
      "when a flip through the same process failed, and did not happen",
      [flip(true, 1000, 1010, "unknown")],
      read(false, 9000, 9001, "a")
    ],
    [
      "when it is from before a flip that the store never heard of, through another process",
      [flip(true, 1000, 1010, "here")],
      read(false, 9000, 9001)
    ],
    [
      "when the next life of the process did not see the flip that the last one knew of",
      [flip(true, 1000, 1010, "here", "a.1")],
      read(false, 1020, 1021, "a.2")
    ],
    [
      "when it is from before the second of two flips within the bound",
      [on, flip(false, 1200, 1210)],
      read(true, 1300, 1301)
    ]
  ])("%s", (_, flips, answer) => expect(Judge.isStale(flips, answer, bound)).toBe(false))
})

describe("how far behind a process is", () => {
  const millis = (flips: ReadonlyArray<Judge.Flip>, answer: Judge.Read) => Judge.lag(flips, answer)?.millis

  it("is the time from the acknowledgement to the request that was answered from before it", () => {
    expect(millis([on], read(false, 1050, 1052))).toBe(40)
    expect(Judge.lag([on], read(false, 1050, 1052))?.flip).toBe(on)
  })

  it.each<[string, ReadonlyArray<Judge.Flip>, Judge.Read]>([
    ["when the answer is up to date", [on], read(true, 1050, 1052)],
    ["when the request was sent before the acknowledgement", [on], read(false, 1010, 1052)],
    ["through the process that flipped", [on], read(false, 1050, 1052, "a")],
    ["when a later flip explains the answer", [on, flip(false, 1051, 1060)], read(false, 1050, 1052)],
    ["when a later flip of unknown outcome does", [on, flip(false, 1020, 1021, "unknown")], read(false, 1050, 1052)],
    ["while nothing was flipped", [], read(false, 1050, 1052)]
  ])("is not known %s", (_, flips, answer) => expect(millis(flips, answer)).toBeUndefined())
})
