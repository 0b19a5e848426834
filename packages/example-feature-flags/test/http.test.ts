/** The HTTP API on a real port, before the real database. */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import * as Store from "@larder/cache/Store"
import * as Faults from "@larder/testing/Faults"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Scope from "effect/Scope"
import * as Database from "../src/Database.js"
import { FeaturesCached } from "../src/FeaturesCached.js"
import { FeaturesSql } from "../src/FeaturesSql.js"
import * as Api from "../src/http/Api.js"
import * as Server from "../src/http/Server.js"
import * as Organisation from "../src/Organisation.js"
import { seed } from "../src/Seed.js"
import * as database from "./database.js"

const organisation = Effect.runSync(Organisation.make({ users: 50, organisations: 1 }))
const root = organisation.teams[0]!.id
const member = Organisation.members(organisation, root)[0]!

const seeded = (schema: string) => Layer.provideMerge(Layer.effectDiscard(seed(organisation)), database.layer(schema))

const cache = Cache.layer.pipe(
  Layer.provide(Reporter.layerNoop),
  Layer.provideMerge(Faults.layer),
  Layer.provide(Store.layerMemory)
)

const served = Server.layer({ host: "127.0.0.1", port: 0 }).pipe(
  Layer.provideMerge(Layer.provideMerge(Layer.provide(FeaturesCached, FeaturesSql), cache))
)

const serving = (schema: string) => Layer.provideMerge(served, seeded(schema))

/** The same with a network before the database. */
const servingFar = (schema: string, delayMillis: number) =>
  Layer.provideMerge(served, Layer.provideMerge(Database.layerClientFar(delayMillis), seeded(schema)))

const client = Effect.flatMap(HttpServer.HttpServer, () =>
  HttpServer.addressFormattedWith((baseUrl) => HttpApiClient.make(Api.Api, { baseUrl }))
).pipe(Effect.provide(NodeHttpClient.layer))

/** As any client would, without the types. */
const raw = (path: string, init?: RequestInit) =>
  HttpServer.addressFormattedWith((url) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, init)
      return { status: response.status, text: await response.text(), closes: response.headers.get("connection") }
    })
  )

const put = (body: unknown): RequestInit => ({
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

describe("the HTTP API", () => {
  it.live("what is switched on for a team is on for it and for its members, and for nobody else", () =>
    Effect.gen(function* () {
      const { flags } = yield* client
      const path = { slug: "dark-mode" }
      const answers = Effect.all([
        flags.ofEverybody({ path }),
        flags.ofTeam({ path: { ...path, teamId: root } }),
        flags.ofUser({ path: { ...path, userId: member } })
      ]).pipe(Effect.map((all) => all.map(({ enabled }) => enabled)))
      expect(yield* answers).toEqual([false, false, false])
      const held = yield* flags.setForTeam({ path: { ...path, teamId: root }, payload: { setting: "enabled" } })
      expect(held).toEqual({ heldBy: "every instance" })
      expect(yield* answers).toEqual([false, true, true])
      yield* flags.setForTeam({ path: { ...path, teamId: root }, payload: { setting: "inherit" } })
      yield* flags.setForEverybody({ path, payload: { enabled: true } })
      expect(yield* answers).toEqual([true, true, true])
    }).pipe(Effect.provide(serving("http_flip")))
  )

  it.live("who asks twice is answered by the cache, and /health says so", () =>
    Effect.gen(function* () {
      const { flags, health } = yield* client
      yield* flags.list()
      yield* flags.list()
      const counts = yield* health.health()
      expect(counts).toEqual({ hits: 1, misses: 1, storeFailures: 0, unacknowledged: 0 })
    }).pipe(Effect.provide(serving("http_health")))
  )

  it.live("a flag or a team that there is not is a typed 404, and a flag is made by switching it for everybody", () =>
    Effect.gen(function* () {
      const { flags } = yield* client
      const path = { slug: "no-such-flag" }
      const team = { path: { ...path, teamId: root }, payload: { setting: "enabled" as const } }
      expect(yield* Effect.flip(flags.ofEverybody({ path }))).toBeInstanceOf(Api.UnknownFlag)
      expect(yield* Effect.flip(flags.ofUser({ path: { ...path, userId: member } }))).toBeInstanceOf(Api.UnknownFlag)
      expect(yield* Effect.flip(flags.setForTeam(team))).toBeInstanceOf(Api.UnknownFlag)
      yield* flags.setForEverybody({ path, payload: { enabled: true } })
      expect(yield* flags.ofEverybody({ path })).toEqual({ enabled: true })
      const nobody = { ...team, path: { ...path, teamId: 999_999 } }
      expect(yield* Effect.flip(flags.setForTeam(nobody))).toBeInstanceOf(Api.UnknownTeam)
      expect((yield* raw("/flags/another-one")).status).toBe(404)
    }).pipe(Effect.provide(serving("http_unknown")))
  )

  it.live.each<[string, RequestInit | undefined]>([
    ["/flags/Not%20a%20flag", undefined],
    ["/flags/dark-mode/teams/root", undefined],
    ["/flags/dark-mode/users/0", undefined],
    ["/flags/dark-mode/teams/4294967296", undefined],
    ["/flags/dark-mode", put({ enabled: "yes" })],
    ["/flags/dark-mode/teams/1", put({ setting: "on" })]
  ])("a request that the schema refuses is a 400: %s %j", ([path, init]) =>
    Effect.gen(function* () {
      const { status, text } = yield* raw(path, init)
      expect([status, JSON.parse(text)._tag]).toEqual([400, "HttpApiDecodeError"])
    }).pipe(Effect.provide(serving("http_schema")))
  )

  it.live.each(["{ enabled", '{"enabled":true'])("a body that is no JSON is a 400 that says so: %j", (body) =>
    Effect.gen(function* () {
      const { status, text } = yield* raw("/flags/dark-mode", { ...put(null), body })
      expect([status, JSON.parse(text)]).toEqual([
        400,
        { _tag: "HttpApiDecodeError", issues: [], message: "the body is not JSON" }
      ])
    }).pipe(Effect.provide(serving("http_not_json")))
  )

  it.live("the address itself leads to the documentation", () =>
    Effect.gen(function* () {
      const { status, text } = yield* raw("/")
      expect([status, text.includes("swagger-ui")]).toEqual([200, true])
    }).pipe(Effect.provide(serving("http_root")))
  )

  it.live("without the database it is a typed 503 that tells nothing of the database", () =>
    Effect.gen(function* () {
      const { flags } = yield* client
      yield* Effect.flatMap(Database.Network, ({ cut }) => cut)
      const path = { slug: "dark-mode" }
      expect(yield* Effect.flip(flags.ofEverybody({ path }))).toBeInstanceOf(Api.DatabaseUnavailable)
      expect(yield* Effect.flip(flags.setForEverybody({ path, payload: { enabled: true } }))).toBeInstanceOf(
        Api.DatabaseUnavailable
      )
      const { status, text } = yield* raw("/flags/dark-mode")
      expect([status, JSON.parse(text)]).toEqual([
        503,
        { _tag: "DatabaseUnavailable", message: "the database does not answer; try again later" }
      ])
    }).pipe(Effect.provide(servingFar("http_away", 1)), Logger.withMinimumLogLevel(LogLevel.None))
  )

  it.live("a flip that the store does not acknowledge is a 202 until a replay reaches it, and holds here at once", () =>
    Effect.gen(function* () {
      const { flags, health } = yield* client
      const faults = yield* Faults.Faults
      const path = { slug: "dark-mode" }
      expect(yield* flags.ofEverybody({ path })).toEqual({ enabled: false })
      yield* faults.set({ fault: Faults.hang, span: "onwards" })
      const [held, response] = yield* flags.setForEverybody({ path, payload: { enabled: true }, withResponse: true })
      expect([response.status, held]).toEqual([202, { heldBy: "this instance" }])
      expect(yield* flags.ofEverybody({ path })).toEqual({ enabled: true })
      expect((yield* health.health()).unacknowledged).toBeGreaterThan(0)
      yield* faults.clear
      yield* Effect.repeat(health.health(), { until: ({ unacknowledged }) => unacknowledged === 0 })
      const again = yield* flags.setForEverybody({ path, payload: { enabled: false } })
      expect(again).toEqual({ heldBy: "every instance" })
    }).pipe(Effect.provide(serving("http_unacknowledged")))
  )

  it.live("/openapi.json describes every path and what may come of it, and /docs shows it", () =>
    Effect.gen(function* () {
      const spec = JSON.parse((yield* raw("/openapi.json")).text)
      const statuses = Object.entries<any>(spec.paths).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries<any>(methods).map(([method, { responses }]) => [method, Object.keys(responses).join(" ")])
        )
      ])
      expect(Object.fromEntries(statuses)).toEqual({
        "/flags": { get: "200 400 503" },
        "/flags/{slug}": { get: "200 400 404 503", put: "200 202 400 503" },
        "/flags/{slug}/teams/{teamId}": { get: "200 400 404 503", put: "200 202 400 404 503" },
        "/flags/{slug}/users/{userId}": { get: "200 400 404 503" },
        "/health": { get: "200 400" }
      })
      const { status, text } = yield* raw("/docs")
      expect([status, text.includes("swagger-ui"), text.includes("Feature flags")]).toEqual([200, true, true])
    }).pipe(Effect.provide(serving("http_docs")))
  )

  it.live("a server that ends finishes the request under way, and takes no other", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(servingFar("http_end", 300), scope)
      const ask = Effect.provide(raw("/flags/dark-mode"), context)
      const underWay = yield* Effect.fork(ask)
      const started = Effect.map(Effect.provide(raw("/health"), context), ({ text }) => JSON.parse(text).misses)
      yield* Effect.repeat(started, { until: (misses) => misses > 0 })
      const ending = yield* Effect.fork(Scope.close(scope, Exit.void))
      const { closes, status, text } = yield* Fiber.join(underWay)
      expect([status, JSON.parse(text), closes]).toEqual([200, { enabled: false }, "close"])
      yield* Fiber.join(ending)
      const late = yield* Effect.exit(ask)
      expect(Exit.isFailure(late)).toBe(true)
    })
  )
})
