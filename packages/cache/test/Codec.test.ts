import { assertLeft, assertRight, deepStrictEqual, strictEqual } from "@effect/vitest/utils"
import { describe, expect, it } from "@effect/vitest"
import { CacheError, Codec } from "@larder/cache"
import * as Arbitrary from "effect/Arbitrary"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"

const goldenFile = <A>(name: string): A =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), "utf8")) as A

class Member extends Schema.Class<Member>("Member")({ id: Schema.Number, since: Schema.Date }) {}
class NotFound extends Schema.TaggedError<NotFound>("NotFound")("NotFound", { id: Schema.Number }) {}

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Schema<Tree> = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Schema<Tree> => Tree))
})

const schemas: Record<string, Schema.Schema<any, any>> = {
  boolean: Schema.Boolean,
  number: Schema.Number,
  string: Schema.String,
  null: Schema.Null,
  undefined: Schema.Undefined,
  void: Schema.Void,
  bigint: Schema.BigIntFromSelf,
  "bigint as text": Schema.BigInt,
  date: Schema.ValidDateFromSelf,
  "date as text": Schema.Date,
  bytes: Schema.Uint8ArrayFromSelf,
  "bytes as base64": Schema.Uint8ArrayFromBase64,
  map: Schema.MapFromSelf({ key: Schema.String, value: Schema.Number }),
  "map of maps": Schema.MapFromSelf({
    key: Schema.Number,
    value: Schema.MapFromSelf({ key: Schema.BigIntFromSelf, value: Schema.NullOr(Schema.ValidDateFromSelf) })
  }),
  set: Schema.SetFromSelf(Schema.Union(Schema.String, Schema.Undefined)),
  option: Schema.OptionFromSelf(Schema.Number),
  "option of option": Schema.Option(Schema.OptionFromSelf(Schema.UndefinedOr(Schema.Number))),
  either: Schema.EitherFromSelf({ left: Schema.String, right: Schema.BigIntFromSelf }),
  "optional field": Schema.Struct({ a: Schema.optional(Schema.Number), b: Schema.UndefinedOr(Schema.String) }),
  // Schema.Record itself loses a key called `__proto__`.
  record: Schema.Record({
    key: Schema.String.pipe(Schema.filter((key) => key !== "__proto__")),
    value: Schema.Union(Schema.Number, Schema.Array(Schema.BigIntFromSelf))
  }),
  list: Schema.Array(Schema.Union(Schema.Number, Schema.Undefined, Schema.String, Schema.Null)),
  tuple: Schema.Tuple(Schema.String, Schema.Number),
  class: Member,
  "tagged error": NotFound,
  recursive: Tree
}

const roundTrip = (schema: Schema.Schema<any, any>, value: unknown): unknown => {
  const codec = Codec.make(schema)
  return Effect.runSync(Effect.flatMap(codec.encode(value), codec.decode))
}

/** Whatever has a form: nested, with the keys that other formats trip over. */
const anyValue = FastCheck.anything({
  key: FastCheck.oneof(FastCheck.string(), FastCheck.constantFrom("$", "v", "__proto__", "toJSON", "constructor")),
  values: [
    FastCheck.string16bits(),
    FastCheck.double(),
    FastCheck.constantFrom(NaN, -0, 0, Infinity, -Infinity, undefined, null, true, false, "", "null", "123", "j", "{"),
    FastCheck.bigInt(),
    FastCheck.date({ noInvalidDate: true }),
    FastCheck.uint8Array()
  ],
  withMap: true,
  withSet: true,
  maxDepth: 3
})
const anyWrapped = anyValue.chain((value) =>
  FastCheck.constantFrom<unknown>(
    value,
    Option.some(value),
    [Option.none(), value],
    Either.right(value),
    { a: Either.left(value) },
    { $: "date", v: value },
    new Map([[value, new Set([value])]])
  )
)

describe("Codec / round trip", () => {
  it.each(Object.keys(schemas))("%s: what is decoded equals what was encoded", (name) => {
    const schema = schemas[name]!
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(schema), (value) => deepStrictEqual(roundTrip(schema, value), value))
    )
  })

  it.prop(
    "whatever the schema lets through",
    [anyWrapped],
    ([value]) => deepStrictEqual(roundTrip(Schema.Unknown, value), value),
    { fastCheck: { numRuns: 1000 } }
  )

  it.each([
    ["-0", -0],
    ["NaN", NaN],
    ["an object with a $", { $: "date", v: 1 }],
    ["an object with toJSON", { toJSON: "x", a: undefined }],
    ["an own __proto__", JSON.parse('{"__proto__":{"polluted":true}}')],
    ["an own __proto__ beside a bigint", Object.assign(JSON.parse('{"__proto__":{"polluted":true}}'), { n: 1n })],
    ["a $ beside a __proto__", JSON.parse('{"__proto__":1,"$":2}')],
    ["a lone surrogate", "\uD800"]
  ])("%s comes back as itself", (_, value) => {
    deepStrictEqual(roundTrip(Schema.Unknown, value), value)
    strictEqual(({} as { polluted?: boolean }).polluted, undefined)
  })

  it("an invalid date comes back as one", () => {
    const value = roundTrip(Schema.DateFromSelf, new Date(NaN)) as Date
    expect(value).toBeInstanceOf(Date)
    strictEqual(value.getTime(), NaN)
  })

  it("a class comes back as an instance of it", () => {
    const value = roundTrip(Member, new Member({ id: 1, since: new Date(0) }))
    expect(value).toBeInstanceOf(Member)
  })

  it("a schema that needs something gets it from the context", () => {
    class Salt extends Context.Tag("Salt")<Salt, string>() {}
    const Salted = Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text) => Effect.map(Salt, (salt) => text.slice(salt.length)),
      encode: (text) => Effect.map(Salt, (salt) => salt + text)
    })
    const codec = Codec.provide(Codec.make(Salted), Context.make(Salt, "pepper"))
    strictEqual(codec.shape, Codec.make(Salted).shape)
    strictEqual(Effect.runSync(codec.encode("x")), 'j"pepperx"')
    strictEqual(Effect.runSync(Effect.flatMap(codec.encode("x"), codec.decode)), "x")
  })

  it("is made once for a schema", () => {
    strictEqual(Codec.make(Member), Codec.make(Member))
  })
})

const canary = "canary-4711"

/** Values that hold the canary, under schemas and forms that refuse them. */
const refusals: Record<string, readonly [Schema.Schema<any, any>, unknown]> = {
  "another type": [Schema.Number, canary],
  "a field of another type": [Schema.Struct({ a: Schema.Number }), { a: canary }],
  "an unknown literal": [Schema.Literal("a", "b"), canary],
  "a filter": [Schema.String.pipe(Schema.maxLength(3)), canary],
  "a filter with a message of its own": [
    Schema.String.pipe(Schema.filter((text) => text.length < 3 || `${text} is too long`)),
    canary
  ],
  "a message of its own": [Schema.Number.annotations({ message: (issue) => `not ${String(issue.actual)}` }), canary],
  "a transformation that fails": [
    Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text, _, ast) => ParseResult.fail(new ParseResult.Type(ast, text, `cannot take ${text}`)),
      encode: (text, _, ast) => ParseResult.fail(new ParseResult.Type(ast, text, `cannot take ${text}`))
    }),
    canary
  ],
  "a transformation that throws": [
    Schema.transform(Schema.String, Schema.String, {
      decode: (text) => {
        throw new TypeError(`cannot take ${text}`)
      },
      encode: (text) => {
        throw new TypeError(`cannot take ${text}`)
      }
    }),
    canary
  ],
  "a transformation that dies": [
    Schema.transformOrFail(Schema.String, Schema.String, {
      decode: (text) => Effect.die(new TypeError(`cannot take ${text}`)),
      encode: (text) => Effect.zipRight(Effect.yieldNow(), Effect.die(new TypeError(`cannot take ${text}`)))
    }),
    canary
  ],
  "a missing field": [Schema.Struct({ a: Schema.String, b: Schema.String }), { a: canary }],
  "a union": [Schema.Union(Schema.Number, Schema.Struct({ a: Schema.Number })), { a: canary }],
  "an element": [Schema.Array(Schema.Number), [1, canary]],
  "a map's value": [Schema.MapFromSelf({ key: Schema.String, value: Schema.Number }), new Map([["a", canary]])]
}

describe("Codec / what it refuses", () => {
  it.effect.each(Object.keys(refusals))("%s: a CodecError without the value, never a throw", (name) =>
    Effect.gen(function* () {
      const [schema, value] = refusals[name]!
      const codec = Codec.make(schema)
      const plain = yield* Codec.make(Schema.Unknown).encode(value)
      for (const [reason, exit] of [
        ["Encode", yield* Effect.exit(Effect.suspend(() => codec.encode(value)))],
        ["Decode", yield* Effect.exit(Effect.suspend(() => codec.decode(plain)))]
      ] as const) {
        const error = yield* Effect.flip(exit)
        expect(error).toBeInstanceOf(CacheError.CodecError)
        strictEqual(error.reason, reason)
        expect(`${error.message} ${JSON.stringify(error)} ${error.stack}`).not.toContain(canary)
      }
    })
  )

  it.prop(
    "no error holds a value that was refused",
    [FastCheck.oneof(...Object.values(schemas).map((schema) => FastCheck.constant(schema))), anyWrapped],
    ([schema, value]) => {
      const text = JSON.stringify(`${canary}${"x".repeat(5)}`)
      const inside = [value, text, { [canary]: text }, new Map([[text, value]])]
      for (const one of inside) {
        const encoded = Effect.runSync(Effect.either(Codec.make(schema).encode([one, canary])))
        if (Either.isLeft(encoded)) expect(`${encoded.left.message} ${encoded.left.stack}`).not.toContain(canary)
      }
    }
  )

  const circular: Record<string, unknown> = { [canary]: canary }
  circular["self"] = circular
  it.each<[string, unknown]>([
    ["a function", () => canary],
    ["a symbol", Symbol(canary)],
    ["an instance of an unknown class", new URL("http://localhost")],
    ["a regular expression", new RegExp(canary)],
    ["a promise", Promise.resolve(canary)],
    ["something circular", circular],
    [
      "a getter that throws",
      {
        get a() {
          throw new TypeError(canary)
        }
      }
    ]
  ])("%s has no form", (_, value) => {
    const encoded = Effect.runSync(Effect.either(Codec.make(Schema.Unknown).encode(value)))
    const error = Option.getOrThrow(Either.getLeft(encoded))
    strictEqual(error.reason, "Encode")
    expect(error.message).not.toContain(canary)
    expect(error.detail).not.toBe("")
  })

  it("the name of a class without a form is said", () => {
    const encoded = Effect.runSync(Effect.either(Codec.make(Schema.Unknown).encode(new URL("http://localhost"))))
    assertLeft(
      encoded,
      new CacheError.CodecError({
        reason: "Encode",
        detail: "URL has no form in JSON: give it a schema that encodes it"
      })
    )
  })
})

const instants = { createdAtMillis: 1_700_000_000_000, expiresAtMillis: 1_700_000_300_000, lookupMillis: 12 }

/** What both versions of the envelope hold; these bytes must be read for ever. */
const kept: Record<string, readonly ["Value" | "Failure", Schema.Schema<any, any>, unknown]> = {
  boolean: ["Value", Schema.Boolean, true],
  "text of the world": ["Value", Schema.String, "größe 東京 🦜 \uD800 \n , \u0000"],
  null: ["Value", Schema.Null, null],
  undefined: ["Value", Schema.Undefined, undefined],
  numbers: ["Value", Schema.Unknown, [0, -0, NaN, Infinity, -Infinity, 1.5, 1e21]],
  bigint: ["Value", Schema.BigIntFromSelf, -12345678901234567890n],
  date: ["Value", Schema.DateFromSelf, new Date(1_700_000_000_123)],
  bytes: ["Value", Schema.Uint8ArrayFromSelf, new Uint8Array([0, 1, 254, 255])],
  map: ["Value", Schema.Unknown, new Map<unknown, unknown>([[1, new Map([["a", undefined]])]])],
  set: ["Value", Schema.Unknown, new Set<unknown>(["a", 1n])],
  option: ["Value", Schema.Unknown, [Option.none(), Option.some(Option.some(1))]],
  either: ["Value", Schema.Unknown, [Either.left("no"), Either.right(2n)]],
  "object with a $": ["Value", Schema.Unknown, { $: "date", v: 1 }],
  "object with toJSON": ["Value", Schema.Unknown, { toJSON: 1 }],
  class: ["Value", Member, new Member({ id: 7, since: new Date(1_700_000_000_000) })],
  failure: ["Failure", NotFound, new NotFound({ id: 7 })]
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")

describe("Codec / envelope", () => {
  const versions = [1, 2].map((n) => [n, goldenFile<Record<string, string>>(`envelope-${n}`)] as const)
  const golden = versions[1]![1]

  it.each(versions)("knows every envelope of the golden file of version %i", (_, golden) => {
    deepStrictEqual(Object.keys(golden), Object.keys(kept))
  })

  it.each(Object.keys(kept))("%s is written as it was", (name) => {
    const [kind, schema, value] = kept[name]!
    const codec = Codec.make(schema)
    strictEqual(text(Codec.seal(kind, codec.shape, instants, Effect.runSync(codec.encode(value)))), golden[name])
  })

  it.each(Object.keys(kept))("%s is read as it was, in every version", (name) => {
    const [kind, schema, value] = kept[name]!
    for (const [, golden] of versions) {
      const opened = Codec.open(Buffer.from(golden[name]!, "utf8"))!
      const { encoded, ...rest } = opened
      deepStrictEqual(rest, { kind, shape: Codec.make(schema).shape, ...instants })
      deepStrictEqual(Effect.runSync(Codec.make(schema).decode(encoded)), value)
    }
  })

  it.each([...Object.keys(kept), "number"])("%s, cut at any point, is no value", (name) => {
    const [kind, schema, value] = kept[name] ?? (["Value", Schema.Number, 12345] as const)
    const codec = Codec.make(schema)
    const sealed = Codec.seal(kind, codec.shape, instants, Effect.runSync(codec.encode(value)))
    for (let length = 0; length < sealed.length; length++) {
      const opened = Codec.open(sealed.subarray(0, length))
      if (opened !== undefined) strictEqual(Effect.runSync(Effect.either(codec.decode(opened.encoded)))._tag, "Left")
    }
  })

  it("opens bytes that are a part of a longer buffer", () => {
    const sealed = Codec.seal("Value", "shape", instants, "jtrue")
    const longer = new Uint8Array(sealed.length + 20).fill(65)
    longer.set(sealed, 10)
    deepStrictEqual(Codec.open(longer.subarray(10, 10 + sealed.length)), {
      kind: "Value",
      shape: "shape",
      ...instants,
      encoded: "jtrue"
    })
  })

  it.each([
    ["nothing", ""],
    ["no end of the head", "1s,shape,1,2,3"],
    ["another version", "3s,shape,1,2,3\njtrue\n"],
    ["no end", "2s,shape,1,2,3\njtrue"],
    ["another kind", "2x,shape,1,2,3\njtrue\n"],
    ["an instant missing", "1s,shape,1,2\njtrue"],
    ["an instant that is no number", "1s,shape,1,soon,3\njtrue"],
    ["an instant that is not finite", "1s,shape,1,Infinity,3\njtrue"],
    ["an empty instant", "1s,shape,1,,3\njtrue"],
    ["another library's JSON", '{"json":true}\n']
  ])("%s is no envelope of ours", (_, bytes) => {
    strictEqual(Codec.open(Buffer.from(bytes)), undefined)
  })

  it.prop(
    "bytes that were cut or changed are read or refused, and never throw",
    [
      FastCheck.constantFrom(...Object.keys(kept)),
      FastCheck.nat(),
      FastCheck.uint8Array({ maxLength: 3 }),
      FastCheck.constantFrom("cut", "overwrite", "insert")
    ],
    ([name, at, noise, way]) => {
      const bytes = Buffer.from(golden[name]!, "utf8")
      const position = at % bytes.length
      const end = way === "cut" ? bytes.length : position + (way === "overwrite" ? noise.length : 0)
      const changed = Buffer.concat([bytes.subarray(0, position), noise, bytes.subarray(end)])
      const opened = Codec.open(changed)
      if (opened === undefined) return
      for (const schema of [kept[name]![1], Schema.Unknown, Tree]) {
        const decoded = Effect.runSync(Effect.either(Codec.make(schema).decode(opened.encoded)))
        if (Either.isLeft(decoded)) strictEqual(decoded.left.reason, "Decode")
      }
    },
    { fastCheck: { numRuns: 3000 } }
  )

  it.each(["", "j", "x", "j{", "xnull ", 'x{"$":"function"}', 'x{"$":"bigint","v":"x"}', 'x{"$":"map","v":1}', "true"])(
    "the encoded value %j is refused or read, and never thrown at",
    (encoded) => {
      const decoded = Effect.runSync(Effect.either(Codec.make(Schema.Struct({ a: Schema.Number })).decode(encoded)))
      expect(Either.getLeft(decoded)).toMatchObject({ value: { _tag: "CodecError", reason: "Decode" } })
    }
  )
})

const shapeOf = (schema: Schema.Schema.AnyNoContext): string => Codec.make(schema).shape

describe("Codec / fingerprint", () => {
  const Shared = Schema.Struct({ id: Schema.Number })
  interface Left {
    readonly right: Right | null
  }
  interface Right {
    readonly left: Left | null
  }
  const Left: Schema.Schema<Left> = Schema.Struct({
    right: Schema.NullOr(Schema.suspend((): Schema.Schema<Right> => Right))
  })
  const Right: Schema.Schema<Right> = Schema.Struct({
    left: Schema.NullOr(Schema.suspend((): Schema.Schema<Left> => Left))
  })
  class Node extends Schema.Class<Node>("Node")({
    name: Schema.String,
    next: Schema.NullOr(Schema.suspend((): Schema.Schema<Node, any> => Node))
  }) {}

  const pinned: Record<string, Schema.Schema.AnyNoContext> = {
    ...schemas,
    "struct of structs": Schema.Struct({ a: Shared, b: Schema.Array(Shared) }),
    "mutual recursion": Left,
    "recursive class": Node,
    template: Schema.TemplateLiteral("user-", Schema.Number),
    enums: Schema.Enums({ A: 0, B: "b" } as const),
    literals: Schema.Literal("a", 1, true, null, 2n),
    renamed: Schema.Struct({ a: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("b")) })
  }

  it("is the same in every process", () => {
    deepStrictEqual(
      Object.fromEntries(Object.entries(pinned).map(([name, schema]) => [name, shapeOf(schema)])),
      goldenFile("fingerprints")
    )
  })

  it("differs between all of these", () => {
    const shapes = Object.entries(pinned).map(([name, schema]) => [shapeOf(schema), name] as const)
    const twins = shapes.filter(([shape]) => shapes.filter(([other]) => other === shape).length > 1)
    deepStrictEqual(twins, [])
  })

  it("differs when a class gains, loses, renames or loosens a field, whatever it is called", () => {
    class V1 extends Schema.Class<V1>("User")({ id: Schema.Number }) {}
    class Gained extends Schema.Class<Gained>("User")({ id: Schema.Number, name: Schema.String }) {}
    class Renamed extends Schema.Class<Renamed>("User")({ key: Schema.Number }) {}
    class Loosened extends Schema.Class<Loosened>("User")({ id: Schema.optional(Schema.Number) }) {}
    class Retyped extends Schema.Class<Retyped>("User")({ id: Schema.NumberFromString }) {}
    class Deep extends Schema.Class<Deep>("User")({ id: Schema.Number, inner: Schema.Array(V1) }) {}
    class Deeper extends Schema.Class<Deeper>("User")({ id: Schema.Number, inner: Schema.Array(Gained) }) {}
    const shapes = [V1, Gained, Renamed, Loosened, Retyped, Deep, Deeper].map(shapeOf)
    strictEqual(new Set(shapes).size, shapes.length)
  })

  it("differs when a class extends another by a field", () => {
    class Base extends Schema.Class<Base>("Base")({ id: Schema.Number }) {}
    class More extends Base.extend<More>("Base")({ name: Schema.String }) {}
    expect(shapeOf(Base)).not.toBe(shapeOf(More))
  })

  it("does not differ by a brand alone, which changes no value", () => {
    strictEqual(shapeOf(Schema.String.pipe(Schema.brand("A"))), shapeOf(Schema.String))
  })

  it("differs by filter, default and order of a tuple", () => {
    const shapes = [
      Schema.String,
      Schema.String.pipe(Schema.maxLength(3)),
      Schema.String.pipe(Schema.maxLength(4)),
      Schema.Tuple(Schema.String, Schema.Number),
      Schema.Tuple(Schema.Number, Schema.String),
      Schema.Array(Schema.String),
      Schema.NonEmptyArray(Schema.String),
      Schema.Struct({ a: Schema.String }),
      Schema.Struct({ a: Schema.optionalWith(Schema.String, { default: () => "" }) })
    ].map(shapeOf)
    strictEqual(new Set(shapes).size, shapes.length)
  })

  it("does not depend on the order of fields", () => {
    strictEqual(
      shapeOf(Schema.Struct({ a: Schema.String, b: Schema.Number })),
      shapeOf(Schema.Struct({ b: Schema.Number, a: Schema.String }))
    )
  })

  it("tells recursive schemas apart that differ below the recursion", () => {
    interface Tagged extends Tree {
      readonly tag: number
    }
    const Tagged: Schema.Schema<any> = Schema.Struct({
      name: Schema.String,
      tag: Schema.Number,
      children: Schema.Array(Schema.suspend((): Schema.Schema<any> => Tagged))
    })
    expect(shapeOf(Tagged)).not.toBe(shapeOf(Tree))
    expect(shapeOf(Left)).not.toBe(shapeOf(Tree))
  })

  it("ends in time for a schema whose parts are used many times", () => {
    let schema: Schema.Schema.AnyNoContext = Schema.String
    for (let depth = 0; depth < 14; depth++) schema = Schema.Struct({ a: schema, b: schema })
    assertRight(Either.right(shapeOf(schema).length), 12)
  })
})
