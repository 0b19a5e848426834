/** What the suite takes from `bun:test` and from `@jest/globals`, made of what vitest has. */
import * as Vitest from "vitest"

export { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest"
export const mock: typeof Vitest.vi.fn = Vitest.vi.fn
export const spyOn: typeof Vitest.vi.spyOn = Vitest.vi.spyOn
export const jest = Vitest.vi
export const setSystemTime = (time?: Date | number): void =>
  void (time === undefined ? Vitest.vi.useRealTimers() : Vitest.vi.setSystemTime(time))

/** Bun waits for these although the suite does not. */
const waiting = new Set<Promise<unknown>>()

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
const throwing = (received: unknown, expected: unknown, isNot: boolean): void => {
  const outcome = thrownBy(received).then((error) => {
    const threw = error !== undefined && fits(error, expected)
    if (threw === isNot) throw new Error(`expected ${isNot ? "no " : ""}${String(expected)}, got ${String(error)}`)
  })
  // Met when the test ends.
  outcome.catch(() => {})
  waiting.add(outcome)
}

Vitest.expect.extend({
  toBeTrue: (received) => ({ pass: received === true, message: () => `${String(received)} is not true` }),
  toBeFalse: (received) => ({ pass: received === false, message: () => `${String(received)} is not false` })
})

const returnsPromise = (received: unknown): boolean =>
  received instanceof Promise ||
  (typeof received === "function" &&
    (received.constructor.name === "AsyncFunction" || /^\(\) ?=>/.test(String(received))))

export const expect: typeof Vitest.expect = Object.assign((received: unknown, message?: string) => {
  const assertion = Vitest.expect(received, message)
  if (!returnsPromise(received)) return assertion
  return new Proxy(assertion, {
    get: (target, name) => {
      if (name === "toThrow" || name === "toThrowError") {
        return (expected: unknown) => throwing(received, expected, false)
      }
      if (name === "not") return { toThrow: (expected: unknown) => throwing(received, expected, true) }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}, Vitest.expect) as unknown as typeof Vitest.expect

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

export const test = Object.assign(register(Vitest.test), {
  only: register(Vitest.test.only),
  skip: register(Vitest.test.skip),
  todo: (name: string) => Vitest.test.todo(name),
  skipIf: (condition: boolean) => register(condition ? Vitest.test.skip : Vitest.test),
  if: (condition: boolean) => register(condition ? Vitest.test : Vitest.test.skip),
  each: (rows: ReadonlyArray<unknown>) => (name: string, body: Body, options?: Options) =>
    Vitest.test.each(rows as Array<unknown>)(name, optionsOf(options), whole(body))
})
export const it = test
