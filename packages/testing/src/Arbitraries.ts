/**
 * Keys, epochs, entries and policies for property tests, on the fast-check that Effect re-exports.
 *
 * They are made to find mistakes, not to look like production: texts hold separators, escapes, controls and lone
 * surrogates; epochs and tags come from so few names that equal ones meet; instants and durations lie so near each
 * other that boundaries are hit.
 *
 * @example
 * import { CacheKey } from "@larder/cache"
 * import { Arbitraries } from "@larder/testing"
 * import { FastCheck } from "effect"
 *
 * const short = FastCheck.property(
 *   Arbitraries.parts,
 *   (parts) => CacheKey.format("users", 1, parts).length <= CacheKey.maximumLength
 * )
 *
 * FastCheck.check(short).failed // => false
 *
 * @since 0.1.0
 */
import type { CacheEntry } from "@larder/cache/CacheEntry"
import * as CacheKey from "@larder/cache/CacheKey"
import type { CachePolicy } from "@larder/cache/CachePolicy"
import type * as Epoch from "@larder/cache/Epoch"
import type { Found, ReadAnswer } from "@larder/cache/Store"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as fc from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * A code point of any sort: plain, reserved in a key, white space, a control, of another plane; or half a one.
 *
 * @since 0.1.0
 * @category keys
 */
export const character: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(..."ab.%~[],*{}# \t\n\u0000\u007F\u0085\u200B2EuVpst:"),
  fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit)),
  fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point))
)

/**
 * A short text of such characters, the empty one too.
 *
 * @since 0.1.0
 * @category keys
 */
export const text: fc.Arbitrary<string> = fc.stringOf(character, { maxLength: 8 })

const longText = fc
  .tuple(text, fc.constantFrom(0, 300, 10_000), text)
  .map(([before, length, after]) => `${before}${"x".repeat(length)}${after}`)

const finite = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))

/**
 * The secret of the redacted parts that have one.
 *
 * @since 0.1.0
 * @category keys
 */
export const secret: Redacted.Redacted<string> = Redacted.make("the secret of the arbitraries")

/**
 * A part of a key: a text, short or far too long, a finite number, a boolean, a list, a redacted text with and without
 * `secret`.
 *
 * @since 0.1.0
 * @category keys
 */
export const part: fc.Arbitrary<CacheKey.Part> = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 1, arbitrary: longText },
  { weight: 2, arbitrary: finite },
  { weight: 1, arbitrary: fc.oneof(fc.boolean(), fc.constantFrom("true", "#true", "false")) },
  { weight: 2, arbitrary: fc.array(fc.oneof(text, fc.integer(), fc.boolean()), { maxLength: 4 }) },
  { weight: 1, arbitrary: text.map((one) => CacheKey.redacted(one)) },
  { weight: 1, arbitrary: text.map((one) => CacheKey.redacted(one, secret)) }
)

/**
 * One to four parts.
 *
 * @since 0.1.0
 * @category keys
 */
export const parts: fc.Arbitrary<CacheKey.Parts> = fc
  .tuple(part, fc.array(part, { maxLength: 3 }))
  .map(([first, others]): CacheKey.Parts => [first, ...others])

/**
 * A tag of a user: any text but the empty one.
 *
 * @since 0.1.0
 * @category keys
 */
export const tag: fc.Arbitrary<string> = fc.stringOf(character, { minLength: 1, maxLength: 8 })

/**
 * A key of a text, with up to three tags.
 *
 * @since 0.1.0
 * @category keys
 */
export const key: fc.Arbitrary<CacheKey.CacheKey<string, string>> = fc
  .record({
    prefix: fc.oneof(
      fc.constantFrom("users", "a.b"),
      tag.map((name) => `x${name}`)
    ),
    version: fc.nat({ max: 2 }),
    parts,
    tags: fc.array(tag, { maxLength: 3 })
  })
  .map(({ parts, prefix, tags, version }) => CacheKey.of(CacheKey.family(prefix, version), parts, Schema.String, tags))

const eras = fc.constantFrom("e", "e", "e", "f")
const tagName = fc.constantFrom("t:a", "t:b", "t:c")
const token = fc
  .tuple(eras, fc.nat({ max: 1 }), fc.constantFrom("x", "x", "y"))
  .map(([era, n, nonce]) => `${era}-${n}-${nonce}`)
const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })

/**
 * A counter of fences, of one of two eras.
 *
 * @since 0.1.0
 * @category entries
 */
export const counter: fc.Arbitrary<Epoch.Counter> = fc.record({ era: eras, n: fc.nat({ max: 5 }) })

/**
 * An epoch, with or without a soft half.
 *
 * @since 0.1.0
 * @category entries
 */
export const epoch: fc.Arbitrary<Epoch.Epoch> = fc
  .tuple(token, fc.option(token, { nil: undefined, freq: 2 }))
  .map(([hard, soft]) => (soft === undefined ? hard : `${hard}.${soft}`))

/**
 * The stamps of a value, of up to two tags.
 *
 * @since 0.1.0
 * @category entries
 */
export const stamps: fc.Arbitrary<Epoch.Stamps> = fc.record({
  key: epoch,
  tags: fc.uniqueArray(fc.tuple(tagName, epoch), { selector: ([name]) => name, maxLength: 2 })
})

/**
 * Epochs as a store answers them, any of them lost.
 *
 * @since 0.1.0
 * @category entries
 */
export const epochs: fc.Arbitrary<Epoch.Epochs> = fc.record({
  counter: maybe(counter),
  key: maybe(epoch),
  tags: fc.uniqueArray(fc.tuple(tagName, epoch), { selector: ([name]) => name }).map((tags) => new Map(tags))
})

/**
 * What a store may answer for a key: nothing, something malformed, or bytes of nobody under stamps that the epochs
 * bear out or not.
 *
 * @since 0.1.0
 * @category entries
 */
export const readAnswer: fc.Arbitrary<ReadAnswer> = fc
  .record({
    found: fc.oneof(
      fc.constant<Found>({ _tag: "Absent" }),
      token.map((id): Found => ({ _tag: "Malformed", id })),
      fc.record({ _tag: fc.constant("Stored" as const), id: token, bytes: fc.uint8Array(), stamps })
    ),
    epochs,
    current: fc.boolean()
  })
  .map(({ current, epochs, found }) =>
    current && found._tag === "Stored"
      ? { found, epochs: { ...epochs, key: found.stamps.key, tags: new Map(found.stamps.tags) } }
      : { found, epochs }
  )

const instant = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.constantFrom(0, 1, 100))

/**
 * An entry whose lookup ended within the first second after 1970: a value, or where a failure is given, that too.
 *
 * @since 0.1.0
 * @category entries
 */
export const entry = <A, E = never>(
  value: fc.Arbitrary<A>,
  failure?: fc.Arbitrary<E>
): fc.Arbitrary<CacheEntry<A, E>> => {
  const values = value.map((one): Either.Either<A, E> => Either.right(one))
  return fc
    .record({
      content:
        failure === undefined
          ? values
          : fc.oneof(
              values,
              failure.map((one) => Either.left(one))
            ),
      createdAtMillis: instant,
      lifeMillis: instant,
      lookupMillis: fc.nat({ max: 100 })
    })
    .map(({ content, createdAtMillis, lifeMillis, lookupMillis }) => ({
      content,
      createdAtMillis,
      expiresAtMillis: createdAtMillis + lifeMillis,
      lookupMillis
    }))
}

/**
 * A duration in each of the forms that a policy takes, zero and infinity too.
 *
 * @since 0.1.0
 * @category policies
 */
export const duration: fc.Arbitrary<Duration.DurationInput> = fc.oneof(
  { weight: 4, arbitrary: instant },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 1000, noNaN: true }) },
  { weight: 1, arbitrary: instant.map((millis): Duration.DurationInput => `${millis} millis`) },
  { weight: 1, arbitrary: instant.map((millis): Duration.DurationInput => Duration.seconds(millis)) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 10_000_000_000n }) },
  { weight: 1, arbitrary: fc.constantFrom<Duration.DurationInput>(Infinity, Duration.infinity, "1000 days") }
)

/** A constant, or a function that answers it. */
const either = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | (() => A)> =>
  fc.tuple(arbitrary, fc.boolean()).map(([one, isFunction]) => (isFunction ? () => one : one))

/**
 * A usable policy with any of the fields, for values of any type. It stores no failures.
 *
 * @since 0.1.0
 * @category policies
 */
export const policy: fc.Arbitrary<CachePolicy> = fc
  .record({
    timeToLive: either(duration),
    staleWhileRevalidate: duration,
    staleIfError: duration,
    errorBackoff: duration,
    softTimeout: duration,
    refreshAhead: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 10, noNaN: true })),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    tags: either(fc.array(tag, { maxLength: 3 })),
    cacheable: fc.boolean().map((answer) => () => answer),
    awaitWrite: fc.boolean()
  })
  .chain((full) => fc.subarray(Object.entries(full)).map((some): CachePolicy => Object.fromEntries(some)))

const notADuration = fc.constantFrom<unknown>(-1, Number.NaN, -Infinity, "-1 second", "soon", "", true, {})
const outside = (maximum: number) =>
  fc.oneof(
    fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
    fc.constantFrom<unknown>(Number.NaN, "1", true),
    ...(maximum === Infinity ? [] : [fc.double({ min: maximum + 0.001, noNaN: true })])
  )

/**
 * A policy of which one field is not usable, and the name that its error says: `tag` for a tag, else the field.
 *
 * @since 0.1.0
 * @category policies
 */
export const invalidPolicy: fc.Arbitrary<{ readonly where: string; readonly policy: CachePolicy }> = fc
  .tuple(
    policy,
    fc.oneof(
      ...["timeToLive", "staleWhileRevalidate", "staleIfError", "errorBackoff", "softTimeout"].map((field) =>
        fc.tuple(fc.constant(field), notADuration)
      ),
      fc.tuple(fc.constant("refreshAhead"), outside(Infinity)),
      fc.tuple(fc.constant("jitter"), outside(1)),
      fc.tuple(fc.constant("tags"), fc.constantFrom<unknown>([""], ["a", 1]))
    )
  )
  .map(([policy, [field, bad]]) => ({
    where: field === "tags" ? "tag" : field,
    // What is not usable has no type.
    policy: { ...policy, [field]: bad } as CachePolicy
  }))
