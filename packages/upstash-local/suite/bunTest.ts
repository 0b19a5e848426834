/** What the suite takes from `bun:test` and from `@jest/globals`, made of what vitest has. */
import { expect as vitestExpect, test as vitestTest, vi } from "vitest"

export { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest"
export const mock: typeof vi.fn = vi.fn
export const spyOn: typeof vi.spyOn = vi.spyOn
export const jest = vi
export const setSystemTime = (time?: Date | number): void =>
  void (time === undefined ? vi.useRealTimers() : vi.setSystemTime(time))

/** Bun waits for these although the suite does not. */
const waiting = new Set<Promise<unknown>>()

/** The test ends when this has, and fails when this does. */
const waitFor = (outcome: Promise<unknown>): void => {
  // Met when the test ends; until then it is nobody's.
  outcome.catch(() => {})
  waiting.add(outcome)
}

const thrownBy = (received: unknown): Promise<unknown> =>
  Promise.resolve()
    .then(() => (typeof received === "function" ? received() : received))
    .then(
      () => undefined,
      (error: unknown) => error ?? new Error("nothing was thrown, as an error")
    )

const fits = (error: unknown, expected: unknown): boolean => {
  const message = error instanceof Error ? error.message : String(error)
  if (expected === undefined) return true
  if (typeof expected === "string") return message.includes(expected)
  if (expected instanceof RegExp) return expected.test(message)
  if (typeof expected === "function") return error instanceof expected
  return expected instanceof Error && message === expected.message
}

/** `toThrow` of Bun takes functions that return promises, and promises. */
const throwing = (received: unknown, expected: unknown, isNot: boolean): void =>
  waitFor(
    thrownBy(received).then((error) => {
      const threw = error !== undefined && fits(error, expected)
      if (threw === isNot) throw new Error(`expected ${isNot ? "no " : ""}${String(expected)}, got ${String(error)}`)
    })
  )

vitestExpect.extend({
  toBeTrue: (received) => ({ pass: received === true, message: () => `${String(received)} is not true` }),
  toBeFalse: (received) => ({ pass: received === false, message: () => `${String(received)} is not false` })
})

const isThenable = (value: unknown): value is Promise<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

/** `rejects` and `resolves`: what they promise is waited for. */
const promised = (assertion: object): object =>
  new Proxy(assertion, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== "function") return name === "not" ? promised(value as object) : value
      return (...args: ReadonlyArray<unknown>): unknown => {
        const outcome: unknown = value.apply(target, args)
        if (isThenable(outcome)) waitFor(Promise.resolve(outcome))
        return outcome
      }
    }
  })

/** An assertion whose `toThrow` is Bun's. */
const watched = (assertion: object, received: unknown, isNot: boolean): object =>
  new Proxy(assertion, {
    get: (target, name) => {
      if (name === "toThrow") return (expected: unknown) => throwing(received, expected, isNot)
      const value: unknown = Reflect.get(target, name, target)
      if (name === "not") return watched(value as object, received, !isNot)
      if (name === "rejects" || name === "resolves") return promised(value as object)
      return typeof value === "function" ? value.bind(target) : value
    }
  })

export const expect = Object.assign((received: unknown, message?: string): object => {
  const assertion = vitestExpect(received, message)
  const mayReject = received instanceof Promise || typeof received === "function"
  return mayReject ? watched(assertion, received, false) : assertion
}, vitestExpect)

type Body = (...args: ReadonlyArray<unknown>) => unknown
type Options = number | { readonly timeout?: number; readonly retry?: number }

let running = false

const whole =
  (body: Body): (() => Promise<void>) =>
  async (...args: ReadonlyArray<unknown>) => {
    waiting.clear()
    running = true
    try {
      await body(...args)
      // One may add another.
      for (const one of waiting) await one
    } finally {
      running = false
    }
  }

const optionsOf = (options: Options | undefined) =>
  typeof options === "number" ? { timeout: options } : (options ?? {})

const register =
  (target: (name: string, options: object, body: () => unknown) => unknown) =>
  (name: string, body: Body, options?: Options): void => {
    // Within a test, a test is a part of it.
    if (running) waiting.add(Promise.resolve(body()))
    else target(name, optionsOf(options), whole(body))
  }

export const test = Object.assign(register(vitestTest), {
  only: register(vitestTest.only),
  skip: register(vitestTest.skip),
  todo: (name: string) => vitestTest.todo(name),
  skipIf: (condition: boolean) => register(condition ? vitestTest.skip : vitestTest),
  if: (condition: boolean) => register(condition ? vitestTest : vitestTest.skip),
  each: (rows: ReadonlyArray<unknown>) => (name: string, body: Body, options?: Options) =>
    vitestTest.each(rows as Array<unknown>)(name, optionsOf(options), whole(body))
})
export const it = test
