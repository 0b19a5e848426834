/** Application code never touches Redis: the linter, with the repository's own configuration, says so. */
import { describe, expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"

const repository = resolve(import.meta.dirname, "../../..")

/** What the linter says of a file with this code, at this place of the repository. */
const lint = (place: string, code: string): string => {
  const folder = mkdtempSync(join(tmpdir(), "larder-lint-"))
  try {
    const file = join(folder, place)
    mkdirSync(dirname(file), { recursive: true })
    copyFileSync(join(repository, ".oxlintrc.json"), join(folder, ".oxlintrc.json"))
    writeFileSync(file, `${code}\n`)
    const run = spawnSync(join(repository, "node_modules/.bin/oxlint"), ["--format=unix", place], {
      cwd: folder,
      encoding: "utf8"
    })
    expect(run.error).toBeUndefined()
    return run.status === 0 ? "" : run.stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const act = "packages/example-feature-flags/src/acts/7-shortcut.ts"
const composition = "packages/example-feature-flags/src/live/Shortcut.ts"

describe("the lint rule of the example", () => {
  it.each([
    ["@upstash/redis", `import { Redis } from "@upstash/redis"\nexport const used = Redis`],
    ["@larder/upstash", `import * as Store from "@larder/upstash/UpstashStore"\nexport const used = Store`],
    ["@larder/redis", `import * as Store from "@larder/redis/RedisStore"\nexport const used = Store`],
    ["@larder/upstash-local", `import * as Local from "@larder/upstash-local/UpstashLocal"\nexport const used = Local`],
    ["@larder/redis-server", `import * as Server from "@larder/redis-server/RedisServer"\nexport const used = Server`],
    ["the Redis store's module", `import * as Store from "@larder/cache/RedisStore"\nexport const used = Store`],
    ["the Redis store from the index", `import { RedisStore } from "@larder/cache"\nexport const used = RedisStore`],
    ["ioredis", `import { Redis } from "ioredis"\nexport const used = Redis`]
  ])("an act may not import %s, and the composition may", (_name, code) => {
    expect(lint(act, code)).toContain("no-restricted-imports")
    expect(lint(composition, code)).toBe("")
  })

  it("an act may use the cache and the port of its store", () => {
    const code = `import * as Cache from "@larder/cache/Cache"\nimport * as Store from "@larder/cache/Store"\nexport const both = [Cache, Store]`
    expect(lint(act, code)).toBe("")
  })
})
