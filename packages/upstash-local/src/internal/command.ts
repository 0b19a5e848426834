/**
 * Commands as Upstash's REST spells them: a JSON array, or the segments of a path with a body and query parameters.
 */
import * as Effect from "effect/Effect"
import { badRequest, type Refusal } from "./refusal.js"

export interface Command {
  /** In capitals. */
  readonly name: string
  readonly args: ReadonlyArray<string | Buffer>
}

const fromParts = ([name, ...args]: ReadonlyArray<string | Buffer>): Effect.Effect<Command, Refusal> =>
  name === undefined || name.length === 0
    ? badRequest("ERR empty command")
    : Effect.succeed({ name: name.toString().toUpperCase(), args })

const fromJson = (value: unknown): Effect.Effect<Command, Refusal> => {
  if (!Array.isArray(value)) return badRequest("ERR failed to parse: a command is a JSON array")
  const parts: Array<string> = []
  for (const part of value as ReadonlyArray<unknown>) {
    if (typeof part !== "string" && typeof part !== "number" && typeof part !== "boolean") {
      return badRequest("ERR failed to parse: an argument is a string, a number or a boolean")
    }
    parts.push(String(part))
  }
  return fromParts(parts)
}

const parse = (body: Buffer): Effect.Effect<unknown, Refusal> =>
  Effect.try({
    try: () => JSON.parse(body.toString("utf8")) as unknown,
    catch: () => badRequest("ERR failed to parse: the body is not JSON")
  })

/** `["SET", "key", "value"]` */
export const fromBody = (body: Buffer): Effect.Effect<Command, Refusal> => Effect.flatMap(parse(body), fromJson)

/** `[["SET", "key", "value"], ["GET", "key"]]` */
export const listFromBody = (body: Buffer): Effect.Effect<ReadonlyArray<Command>, Refusal> =>
  Effect.flatMap(parse(body), (value) =>
    Array.isArray(value)
      ? value.length === 0
        ? badRequest("ERR empty pipeline request")
        : Effect.forEach(value as ReadonlyArray<unknown>, fromJson)
      : badRequest("ERR failed to parse: a pipeline is a JSON array of arrays")
  )

/**
 * `/set/key/value/EX/100`; with a body, that is the next argument; query parameters come last, so that
 * `POST /set/key?EX=100` carries its value in the body.
 */
export const fromPath = (
  segments: ReadonlyArray<string>,
  body: Buffer,
  query: URLSearchParams
): Effect.Effect<Command, Refusal> => {
  const further = [...query]
    .filter(([name]) => name !== "_token")
    .flatMap(([name, value]) => (value === "" ? [name] : [name, value]))
  return fromParts([...segments, ...(body.length === 0 ? [] : [body]), ...further])
}

/** The segments of a path, each percent-decoded. */
export const segments = (path: string): Effect.Effect<ReadonlyArray<string>, Refusal> =>
  Effect.try({
    try: () =>
      path
        .split("/")
        .slice(1)
        .map((segment) => decodeURIComponent(segment)),
    catch: () => badRequest("ERR failed to parse: the path is not percent-encoded UTF-8")
  })
