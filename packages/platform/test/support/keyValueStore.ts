/** A `KeyValueStore` whose contents a test sees and changes, and whose operations fail or wait on demand. */
import { Error as PlatformError, KeyValueStore } from "@effect/platform"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export type Operation = "get" | "set" | "remove"

export const make = () => {
  const contents = new Map<string, Uint8Array>()
  const calls: Array<readonly [Operation, string]> = []
  const behaviour: { before: (operation: Operation, key: string) => Effect.Effect<void, PlatformError.PlatformError> } =
    {
      before: () => Effect.void
    }
  const doing = <A>(operation: Operation, key: string, work: () => A) =>
    Effect.suspend(() => {
      calls.push([operation, key])
      return Effect.map(behaviour.before(operation, key), work)
    })
  const get = (key: string) => doing("get", key, () => Option.fromNullable(contents.get(key)))
  const store = KeyValueStore.make({
    get: (key) =>
      Effect.map(
        get(key),
        Option.map((bytes) => new TextDecoder().decode(bytes))
      ),
    getUint8Array: get,
    set: (key, value) =>
      doing(
        "set",
        key,
        () => void contents.set(key, typeof value === "string" ? new TextEncoder().encode(value) : value)
      ),
    remove: (key) => doing("remove", key, () => void contents.delete(key)),
    clear: Effect.sync(() => contents.clear()),
    size: Effect.sync(() => contents.size)
  })
  return { store, contents, behaviour, calls }
}

export const refused = (operation: string) =>
  Effect.fail(
    new PlatformError.SystemError({
      module: "KeyValueStore",
      method: operation,
      reason: "PermissionDenied",
      pathOrDescriptor: "/secret/path"
    })
  )

export const broken = (operation: string) =>
  Effect.fail(
    new PlatformError.SystemError({
      module: "KeyValueStore",
      method: operation,
      reason: "Busy",
      pathOrDescriptor: "/secret/path"
    })
  )
