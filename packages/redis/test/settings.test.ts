import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import { IoredisClient } from "../src/index.js"
import * as Settings from "../src/internal/settings.js"

const password = Redacted.make("pass-secret")

/** What a URL comes to, with its password in the clear. */
const parsed = (url: string) =>
  Either.map(Settings.make({ url }), ({ credentials, database, target, tls }) => ({
    ...(target._tag === "Single" ? target.address : {}),
    ...(credentials.username === undefined ? {} : { username: credentials.username }),
    ...(credentials.password === undefined ? {} : { password: Redacted.value(credentials.password) }),
    ...(database === 0 ? {} : { database }),
    ...(tls === undefined ? {} : { tls })
  }))

describe("IoredisClient / addresses", () => {
  it.each([
    ["redis://host", { host: "host", port: 6379 }],
    ["  redis://host\n", { host: "host", port: 6379 }],
    ["redis://host/", { host: "host", port: 6379 }],
    ["redis://host:1/15", { host: "host", port: 1, database: 15 }],
    ["rediss://host:6380", { host: "host", port: 6380, tls: {} }],
    ["redis://:p%40ss%3A%2F%25@host", { host: "host", port: 6379, password: "p@ss:/%" }],
    ["redis://us%65r:p@host", { host: "host", port: 6379, username: "user", password: "p" }],
    ["redis://[::1]:7000", { host: "::1", port: 7000 }],
    ["unix:///run/redis%20one.sock", { path: "/run/redis one.sock" }]
  ])("%s", (url, expected) => {
    expect(parsed(url)).toEqual(Either.right(expected))
  })

  it.each([
    "",
    "host",
    "host:6379",
    "http://:pass-secret@host",
    "redis://",
    "redis:///1",
    "redis://:pass-secret@host/one",
    "redis://:pass-secret@host/-1",
    "redis://:pass-secret@host:0",
    "redis://:pass-secret@host:99999",
    "redis://:pass-secret%zz@host",
    "redis://:pass-secret@host?db=1",
    "redis://:pass-secret@host#1",
    "redis://user-secret@host",
    "unix://",
    "unix://host/run"
  ])("%j is refused, without being repeated", (url) => {
    const error = Either.getOrThrow(Either.flip(Settings.make({ url }, "REDIS_URL")))
    expect(error).toMatchObject({ _op: "InvalidData", path: ["REDIS_URL"] })
    expect(String(error)).not.toContain("secret")
  })

  it.each([
    [{}, "MissingData", "url"],
    [{ url: "redis://a", host: "b" }, "InvalidData", "host"],
    [{ host: "b", sentinels: [{ host: "c" }], masterName: "m" }, "InvalidData", "sentinels"],
    [{ url: "redis://:x@a", password }, "InvalidData", "password"],
    [{ url: "redis://a/1", database: 1 }, "InvalidData", "database"],
    [{ host: "a", username: "user" }, "InvalidData", "username"],
    [{ host: "" }, "InvalidData", "host"],
    [{ host: "a b" }, "InvalidData", "host"],
    [{ host: "a", port: 0 }, "InvalidData", "port"],
    [{ host: "a", port: 65_536 }, "InvalidData", "port"],
    [{ host: "a", database: -1 }, "InvalidData", "database"],
    [{ host: "a", database: 1.5 }, "InvalidData", "database"],
    [{ path: "" }, "InvalidData", "path"],
    [{ cluster: [] }, "InvalidData", "cluster"],
    [{ cluster: [{ host: "a" }], database: 1 }, "InvalidData", "database"],
    [{ sentinels: [{ host: "a" }] }, "MissingData", "masterName"],
    [{ sentinels: [{ host: "a", port: 1.5 }], masterName: "m" }, "InvalidData", "sentinels"],
    [{ host: "a", connectTimeout: 0 }, "InvalidData", "connectTimeout"],
    [{ host: "a", commandTimeout: "infinity" as never }, "InvalidData", "commandTimeout"],
    [{ host: "a", maxInFlight: 0 }, "InvalidData", "maxInFlight"],
    [{ host: "a", maxInFlight: Number.NaN }, "InvalidData", "maxInFlight"]
  ] as ReadonlyArray<readonly [IoredisClient.Options, string, string]>)("%j: %s %s", (options, op, name) => {
    expect(Either.flip(Settings.make(options)).pipe(Either.getOrThrow)).toMatchObject({ _op: op, path: [name] })
  })

  it("ports of sentinels and of a cluster have their own defaults, and nothing of a host is lost", () => {
    const sentinel = Settings.make({ sentinels: [{ host: "a" }, { host: "b", port: 1 }], masterName: "m" })
    expect(Either.getOrThrow(sentinel).target).toMatchObject({ sentinels: [{ port: 26379 }, { port: 1 }] })
    const cluster = Settings.make({ cluster: [{ host: "a" }], tls: true, password })
    expect(Either.getOrThrow(cluster)).toMatchObject({ target: { nodes: [{ host: "a", port: 6379 }] }, tls: {} })
  })

  it.scoped("a mistake is an error before anything is sent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(IoredisClient.make({ url: "redis//localhost" }))
      expect(error).toMatchObject({ _op: "InvalidData", path: ["url"] })
    })
  )
})
