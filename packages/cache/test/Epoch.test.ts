import { deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, it } from "@effect/vitest"
import { Epoch } from "@larder/cache"
import { Arbitraries } from "@larder/testing"
import * as FastCheck from "effect/FastCheck"

const counter = { era: "e", n: 9 }
const stamps: Epoch.Stamps = {
  key: "e-1-k",
  tags: [
    ["t", "e-2-t.e-3-s"],
    ["u", "e-4-u"]
  ]
}
const current: Epoch.Epochs = { counter, key: "e-1-k", tags: new Map(stamps.tags) }
const withTag = (tag: string, epoch: Epoch.Epoch | undefined): Epoch.Epochs => {
  const tags = new Map(current.tags)
  if (epoch === undefined) tags.delete(tag)
  else tags.set(tag, epoch)
  return { ...current, tags }
}

describe("Epoch / standing", () => {
  it.each<[string, Epoch.Epochs, Epoch.Standing]>([
    ["nothing changed", current, "Current"],
    ["the counter moved on", { ...current, counter: { era: "e", n: 1000 } }, "Current"],
    ["the counter is lost", { ...current, counter: undefined }, "Invalid"],
    ["the counter is of another era", { ...current, counter: { era: "f", n: 9 } }, "Invalid"],
    ["the key's epoch is lost", { ...current, key: undefined }, "Invalid"],
    ["the key was invalidated", { ...current, key: "e-9-x" }, "Invalid"],
    ["the key was expired", { ...current, key: "e-1-k.e-9-x" }, "Expired"],
    ["the key was expired and then invalidated", { ...current, key: "e-9-x.e-9-x" }, "Invalid"],
    ["a tag's epoch is lost", withTag("t", undefined), "Invalid"],
    ["a tag was invalidated", withTag("t", "e-9-x"), "Invalid"],
    ["a tag was expired again", withTag("t", "e-2-t.e-9-x"), "Expired"],
    ["a tag is no longer expired, which no store does", withTag("t", "e-2-t"), "Expired"],
    ["the last tag was invalidated", withTag("u", "e-9-x"), "Invalid"],
    ["an unrelated tag is there", withTag("v", "e-9-x"), "Current"],
    ["one tag was expired, another invalidated", { ...withTag("u", "e-9-x"), key: "e-1-k.e-9-y" }, "Invalid"],
    ["a token begins like the stamp", { ...current, key: "e-1-kk" }, "Invalid"],
    ["the key's epoch is a tag's", { ...current, key: "e-4-u" }, "Invalid"]
  ])("%s: %#", (_, epochs, expected) => strictEqual(Epoch.standing(stamps, epochs), expected))

  it("stamps of an older era stand for nothing, though the store still holds them", () => {
    const old: Epoch.Stamps = { key: "old-1-k", tags: [] }
    const epochs = { counter, key: "old-1-k", tags: new Map() }
    strictEqual(Epoch.standing(old, epochs), "Invalid")
    strictEqual(Epoch.standing(old, { ...epochs, key: "old-1-k.e-2-x" }), "Invalid")
  })

  it.prop(
    "a value stands as its worst stamp does",
    [Arbitraries.stamps, Arbitraries.epochs, FastCheck.boolean()],
    ([given, other, same]) => {
      const now: Epoch.Epochs = same ? { ...other, key: given.key, tags: new Map(given.tags) } : other
      const one = (stamp: string, epoch: string | undefined): Epoch.Standing =>
        epoch === undefined || now.counter === undefined || !stamp.startsWith(`${now.counter.era}-`)
          ? "Invalid"
          : stamp === epoch
            ? "Current"
            : stamp.split(".")[0] === epoch.split(".")[0]
              ? "Expired"
              : "Invalid"
      const all = [one(given.key, now.key), ...given.tags.map(([tag, stamp]) => one(stamp, now.tags.get(tag)))]
      const worst = (["Invalid", "Expired"] as const).find((standing) => all.includes(standing)) ?? "Current"
      strictEqual(Epoch.standing(given, now), worst)
    },
    { fastCheck: { numRuns: 1000 } }
  )
})

describe("Epoch / parts of a token", () => {
  it.each<[string, string, string, Epoch.Counter]>([
    ["e-1-x", "e-1-x", "e", { era: "e", n: 1 }],
    ["e-1-x.f-20-y", "e-1-x", "e", { era: "f", n: 20 }]
  ])("%s", (epoch, hard, era, changedAt) => {
    strictEqual(Epoch.hard(epoch), hard)
    strictEqual(Epoch.era(epoch), era)
    deepStrictEqual(Epoch.changedAt(epoch), changedAt)
  })
})
