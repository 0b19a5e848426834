/**
 * Bytes and values: a schema, and an envelope that says what the bytes are.
 *
 * The envelope is a line of text in front of the value, and the end of the line behind it:
 *
 *     2s,{shape},{createdAtMillis},{expiresAtMillis},{lookupMillis}\n{format}{json}\n
 *
 * `2` is the version of the envelope, `s` a value and `f` a failure, `shape` the fingerprint of the schema that wrote
 * it. JSON on one line has no line break in it, so bytes that a transport or a disk cut short have no end: without it
 * `12` could be what is left of `123`. Version 1 had none, and is still read.
 *
 * The epochs are not in it: the store keeps them beside the bytes, since it learns some of them only when it stores.
 *
 * A codec is built once for each schema and kept: building one costs some sixty times a decode.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import type { CacheEntry } from "./CacheEntry.js"
import { CodecError } from "./CacheError.js"
import { fingerprint } from "./internal/fingerprint.js"
import * as wire from "./internal/wire.js"

/**
 * What the envelope says beside the value.
 *
 * @since 0.1.0
 * @category models
 */
export type Instants = Pick<CacheEntry<never>, "createdAtMillis" | "expiresAtMillis" | "lookupMillis">

/**
 * Turns values of type `A` into bytes and back. Decoding answers what was stored under the same shape and nothing else.
 *
 * @since 0.1.0
 * @category models
 */
export interface Codec<A, R> {
  /** The fingerprint of the schema: values of another shape are never read, and never overwritten. */
  readonly shape: string
  readonly encode: (value: A) => Effect.Effect<string, CodecError, R>
  readonly decode: (text: string) => Effect.Effect<A, CodecError, R>
}

const codecs = new WeakMap<Schema.Schema.Any, Codec<any, any>>()

/**
 * The codec of a schema. Its errors name what the schema expected, never what it got.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, I, R>(schema: Schema.Schema<A, I, R>): Codec<A, R> => {
  const known = codecs.get(schema)
  if (known !== undefined) return known
  const encodeSchema = ParseResult.encodeUnknown(schema)
  const decodeSchema = ParseResult.decodeUnknown(schema)
  const codec: Codec<A, R> = {
    shape: fingerprint(schema),
    encode: (value) =>
      parsed(
        "Encode",
        () => encodeSchema(value),
        (encoded) => attempt("Encode", () => wire.stringify(encoded))
      ),
    decode: (text) => {
      const encoded = attempt("Decode", () => wire.parse(text))
      return Either.isRight(encoded)
        ? parsed("Decode", () => decodeSchema(encoded.right), Either.right)
        : Either.left(encoded.left)
    }
  }
  codecs.set(schema, codec)
  return codec
}

const attempt = <A>(reason: CodecError["reason"], f: () => A): Either.Either<A, CodecError> => {
  try {
    return Either.right(f())
  } catch (error) {
    // No other message: a SyntaxError of JSON quotes what it could not read, a getter may say what it likes.
    const detail =
      error instanceof wire.Formless
        ? error.message
        : reason === "Encode"
          ? "it cannot be read, is circular or nested too deeply"
          : "not in our format"
    return Either.left(new CodecError({ reason, detail }))
  }
}

/**
 * A codec whose schema gets what it needs from this context.
 *
 * @since 0.1.0
 * @category combinators
 */
export const provide = <A, R>(codec: Codec<A, R>, context: Context.Context<R>): Codec<A, never> => {
  const given = <B>(effect: Effect.Effect<B, CodecError, R>) =>
    Either.isEither(effect) ? (effect as Effect.Effect<B, CodecError>) : Effect.provide(effect, context)
  return {
    shape: codec.shape,
    encode: (value) => given(codec.encode(value)),
    decode: (text) => given(codec.decode(text))
  }
}

const threw = (reason: CodecError["reason"]): CodecError =>
  new CodecError({ reason, detail: "a function of the schema threw" })

// A schema without asynchronous parts answers an Either, which needs no step of the fiber. A function of a schema that
// throws (`BigInt` on a text, say) is one more way to be undecodable, not a defect of the program that reads.
const parsed = <A, B, R>(
  reason: CodecError["reason"],
  parse: () => Effect.Effect<A, ParseResult.ParseIssue, R>,
  f: (a: A) => Either.Either<B, CodecError>
): Effect.Effect<B, CodecError, R> => {
  const refuse = (issue: ParseResult.ParseIssue) => new CodecError({ reason, detail: describe(issue) })
  let result: Effect.Effect<A, ParseResult.ParseIssue, R>
  try {
    result = parse()
  } catch {
    return Either.left(threw(reason))
  }
  return Either.isEither(result)
    ? Either.flatMap(Either.mapLeft(result as Either.Either<A, ParseResult.ParseIssue>, refuse), f)
    : Effect.flatMap(
        Effect.catchAllDefect(Effect.mapError(result, refuse), () => Effect.fail(threw(reason))),
        f
      )
}

const describe = (issue: ParseResult.ParseIssue): string => {
  switch (issue._tag) {
    case "Pointer":
      return describe(issue.issue)
    case "Composite": {
      const first = Array.isArray(issue.issues) ? issue.issues[0] : issue.issues
      return describe(first)
    }
    case "Refinement":
    case "Transformation":
      return issue.kind === "Predicate" ? `expected ${expected(issue.ast)}` : describe(issue.issue)
    case "Missing":
      return "a required part is missing"
    case "Unexpected":
      return "an unexpected part is there"
    case "Forbidden":
      return `not possible here: ${expected(issue.ast)}`
    default:
      return `expected ${expected(issue.ast)}`
  }
}

const expected = (ast: unknown): string => {
  const text = String(ast)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

/**
 * Puts the envelope around an encoded value.
 *
 * @since 0.1.0
 * @category envelope
 */
export const seal = (kind: "Value" | "Failure", shape: string, instants: Instants, encoded: string): Uint8Array =>
  Buffer.from(
    `2${kind === "Value" ? "s" : "f"},${shape},${instants.createdAtMillis},${instants.expiresAtMillis},${instants.lookupMillis}\n${encoded}\n`,
    "utf8"
  )

/**
 * An opened envelope: what it says, and the encoded value behind it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Opened extends Instants {
  readonly kind: "Value" | "Failure"
  readonly shape: string
  readonly encoded: string
}

/**
 * Opens an envelope; `undefined` when the bytes are not one of ours, or not all of one.
 *
 * @since 0.1.0
 * @category envelope
 */
export const open = (bytes: Uint8Array): Opened | undefined => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  const end = text.indexOf("\n")
  if (end < 0) return undefined
  const [head, shape, created, expires, lookup] = text.slice(0, end).split(",")
  const ended = head === "2s" || head === "2f"
  if (!ended && head !== "1s" && head !== "1f") return undefined
  if (ended && !text.endsWith("\n")) return undefined
  if (shape === undefined || lookup === undefined) return undefined
  // Number("") is 0.
  if (created === "" || expires === "" || lookup === "") return undefined
  const createdAtMillis = Number(created)
  const expiresAtMillis = Number(expires)
  const lookupMillis = Number(lookup)
  if (!Number.isFinite(createdAtMillis + expiresAtMillis + lookupMillis)) return undefined
  return {
    kind: head[1] === "s" ? "Value" : "Failure",
    shape,
    createdAtMillis,
    expiresAtMillis,
    lookupMillis,
    encoded: text.slice(end + 1, ended ? -1 : undefined)
  }
}
