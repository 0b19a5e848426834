import { assertLeft, assertRight } from "@effect/vitest/utils"
import * as Either from "effect/Either"
import { describe, expect, it } from "vitest"
import { parse, type Serve } from "../src/internal/cli/commandLine.js"

const defaults: Serve = {
  port: 8079,
  host: "127.0.0.1",
  token: undefined,
  readOnlyToken: undefined,
  redisUrl: undefined
}

const serve = (options: Partial<Serve>) => ({ _tag: "Serve" as const, options: { ...defaults, ...options } })

describe("upstash-local / options", () => {
  it.each<[ReadonlyArray<string>, Partial<Serve>]>([
    [[], {}],
    [["--port", "0"], { port: 0 }],
    [["--port=65535"], { port: 65_535 }],
    [["--host", "::1"], { host: "::1" }],
    [["--token", "t", "--read-only-token", "r"], { token: "t", readOnlyToken: "r" }],
    [["--token=-t"], { token: "-t" }],
    [["--redis-url", "rediss://u:p@h:1/2"], { redisUrl: "rediss://u:p@h:1/2" }]
  ])("%j is understood", (args, expected) => {
    assertRight(parse(args, {}), serve(expected))
  })

  it.each([[["--help"]], [["--port", "x", "--help"]], [["--version", "-h"]]])("%j asks for help", (args) => {
    assertRight(parse(args, {}), { _tag: "Help" })
  })

  it("the token of the environment serves where no option names one; an empty one is none", () => {
    assertRight(parse([], { UPSTASH_REDIS_REST_TOKEN: " e " }), serve({ token: "e" }))
    assertRight(parse(["--token", "t"], { UPSTASH_REDIS_REST_TOKEN: "e" }), serve({ token: "t" }))
    assertRight(parse([], { UPSTASH_REDIS_REST_TOKEN: "  " }), serve({}))
  })

  it.each([
    ["--port", "-1"],
    ["--port", "65536"],
    ["--port", "8o79"],
    ["--port", ""],
    ["--host", " "],
    ["--token", ""],
    ["--token", "two words"],
    ["--token", "é"],
    ["--read-only-token", "line\nbreak"],
    ["--redis-url", "localhost:6379"],
    ["--redis-url", "http://localhost"],
    ["--redis-url", ""]
  ])("%s %j is refused, by the name of the option", (option, value) => {
    const refusal = Either.flip(parse([`${option}=${value}`], {}))
    expect(Either.getOrThrow(refusal)).toContain(option)
  })

  it("two tokens that are one are refused", () => {
    assertLeft(
      parse(["--token", "t", "--read-only-token", "t"], {}),
      "--read-only-token must differ from the token that may write"
    )
  })

  it.each([
    [["secret-word"], {}],
    [["--token", "secret word"], {}],
    [["--redis-url", "secret"], {}],
    [["--tokn=secret"], {}],
    [[], { UPSTASH_REDIS_REST_TOKEN: "a secret" }]
  ])("%j: what is wrong is said without the value", (args, environment) => {
    expect(Either.getOrThrow(Either.flip(parse(args, environment)))).not.toContain("secret")
  })
})
