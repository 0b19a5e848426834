/**
 * JSON that keeps what JSON drops: undefined, NaN, the infinities, -0, bigint, Date, bytes, Map, Set, and Effect's
 * Option and Either. A schema that encodes to plain JSON costs plain JSON; only the others are rewritten, and the
 * text says which it is by its first character.
 *
 * A rewritten value is `{"$": kind, "v": …}`; an object that has a `$` of its own is rewritten as its entries.
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"

const plain = "j"
const rewritten = "x"

/** Says what has no form in JSON: by its class, never by its value. */
export class Formless extends TypeError {}

const isPlainObject = (value: object): value is Record<string, unknown> => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const isPlain = (value: unknown): boolean => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
    case "object": {
      if (value === null) return true
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) if (!isPlain(value[i])) return false
        return true
      }
      if (!isPlainObject(value) || "$" in value || "toJSON" in value) return false
      for (const key in value) if (!isPlain(value[key])) return false
      return true
    }
    default:
      return false
  }
}

// The class's own name: a field called `constructor` is a value.
const className = (value: object): string => {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === "string" && name !== "" ? name : "an object"
}

const lower = (value: unknown): unknown => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $: "number", v: Object.is(value, -0) ? "-0" : String(value) }
    case "bigint":
      return { $: "bigint", v: String(value) }
    case "undefined":
      return { $: "undefined" }
    case "object": {
      if (value === null) return null
      if (Array.isArray(value)) return Array.from(value, lower)
      if (value instanceof Date) return { $: "date", v: lower(value.getTime()) }
      if (value instanceof Uint8Array) return { $: "bytes", v: Buffer.from(value).toString("base64") }
      if (value instanceof Map) return { $: "map", v: Array.from(value, ([k, v]) => [lower(k), lower(v)]) }
      if (value instanceof Set) return { $: "set", v: Array.from(value, lower) }
      if (Option.isOption(value)) return Option.isNone(value) ? { $: "none" } : { $: "some", v: lower(value.value) }
      if (Either.isEither(value)) {
        return Either.isRight(value) ? { $: "right", v: lower(value.right) } : { $: "left", v: lower(value.left) }
      }
      if (isPlainObject(value)) {
        const entries = Object.entries(value).map(([k, v]) => [k, lower(v)] as const)
        return "$" in value || "toJSON" in value ? { $: "object", v: entries } : Object.fromEntries(entries)
      }
      throw new Formless(`${className(value)} has no form in JSON: give it a schema that encodes it`)
    }
    default:
      throw new Formless(`a ${typeof value} has no form in JSON`)
  }
}

type Rewritten = { readonly $: string; readonly v: any }

const raise = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(raise)
  if (!("$" in value)) {
    const raised: Record<string, unknown> = {}
    for (const [k, v] of Object.entries(value)) define(raised, k, raise(v))
    return raised
  }
  const { $: kind, v } = value as Rewritten
  switch (kind) {
    case "number":
      return Number(v)
    case "bigint":
      return BigInt(v)
    case "undefined":
      return undefined
    case "date":
      return new Date(raise(v) as number)
    case "bytes":
      return new Uint8Array(Buffer.from(v, "base64"))
    case "map":
      return new Map((v as Array<[unknown, unknown]>).map(([k, one]) => [raise(k), raise(one)]))
    case "set":
      return new Set((v as Array<unknown>).map(raise))
    case "none":
      return Option.none()
    case "some":
      return Option.some(raise(v))
    case "right":
      return Either.right(raise(v))
    case "left":
      return Either.left(raise(v))
    case "object": {
      const raised: Record<string, unknown> = {}
      for (const [k, one] of v as Array<[string, unknown]>) define(raised, k, raise(one))
      return raised
    }
    default:
      throw new TypeError("not a form of ours")
  }
}

// Assigning to `__proto__` would change the prototype instead of adding a property.
const define = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** Throws `Formless` for functions, symbols and instances of unknown classes, and whatever else for what is circular. */
export const stringify = (value: unknown): string =>
  isPlain(value) ? plain + JSON.stringify(value) : rewritten + JSON.stringify(lower(value))

/** Throws for what `stringify` did not write. */
export const parse = (text: string): unknown => {
  const json: unknown = JSON.parse(text.slice(1))
  switch (text[0]) {
    case plain:
      return json
    case rewritten:
      return raise(json)
    default:
      throw new TypeError("unknown format")
  }
}
