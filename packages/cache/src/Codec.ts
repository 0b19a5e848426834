/**
 * Bytes and values: a schema, and an envelope that says what the bytes are.
 *
 * The envelope is a line of text in front of the value:
 *
 *     1s,{shape},{createdAtMillis},{expiresAtMillis},{lookupMillis}\n{format}{json}
 *
 * `1` is the version of the envelope, `s` a value and `f` a failure, `shape` the fingerprint of the schema that wrote
 * it. The epochs are not in it: the store keeps them beside the bytes, since it learns some of them only when it stores.
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
      mapEither(
        () => encodeSchema(value),
        "Encode",
        (encoded) => attempt("Encode", () => wire.stringify(encoded))
      ),
    decode: (text) => {
      const encoded = attempt("Decode", () => wire.parse(text))
      return Either.isRight(encoded)
        ? mapEither(() => decodeSchema(encoded.right), "Decode", Either.right)
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
    // A SyntaxError of JSON quotes what it could not read.
    const detail = error instanceof TypeError && reason === "Encode" ? error.message : "not in our format"
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

// A schema without asynchronous parts answers an Either, which needs no step of the fiber. A transformation of the
// user may throw or die: that is a value that cannot be stored or read, and nothing that its caller should see.
const mapEither = <A, B, R>(
  parse: () => Effect.Effect<A, ParseResult.ParseIssue, R>,
  reason: CodecError["reason"],
  f: (a: A) => Either.Either<B, CodecError>
): Effect.Effect<B, CodecError, R> => {
  const refuse = (issue: ParseResult.ParseIssue) => new CodecError({ reason, detail: describe(issue) })
  const died = () => new CodecError({ reason, detail: "a transformation of the schema died" })
  try {
    const parsed = parse()
    return Either.isEither(parsed)
      ? Either.flatMap(Either.mapLeft(parsed as Either.Either<A, ParseResult.ParseIssue>, refuse), f)
      : Effect.flatMap(
          Effect.catchAllDefect(Effect.mapError(parsed, refuse), () => Effect.fail(died())),
          f
        )
  } catch {
    return Either.left(died())
  }
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
    `1${kind === "Value" ? "s" : "f"},${shape},${instants.createdAtMillis},${instants.expiresAtMillis},${instants.lookupMillis}\n${encoded}`,
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
 * Opens an envelope; `undefined` when the bytes are not one of ours.
 *
 * @since 0.1.0
 * @category envelope
 */
export const open = (bytes: Uint8Array): Opened | undefined => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  const end = text.indexOf("\n")
  if (end < 0) return undefined
  const [head, shape, created, expires, lookup] = text.slice(0, end).split(",")
  if ((head !== "1s" && head !== "1f") || shape === undefined || lookup === undefined) return undefined
  const createdAtMillis = Number(created)
  const expiresAtMillis = Number(expires)
  const lookupMillis = Number(lookup)
  if (!Number.isFinite(createdAtMillis + expiresAtMillis + lookupMillis)) return undefined
  return {
    kind: head === "1s" ? "Value" : "Failure",
    shape,
    createdAtMillis,
    expiresAtMillis,
    lookupMillis,
    encoded: text.slice(end + 1)
  }
}
