/** Failures of a `KeyValueStore` as failures of a store: what kind, and nothing of paths, names or contents. */
import { StoreError } from "@larder/cache/CacheError"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"

export const storeName = "keyValueStore"

export const storeError = (operation: string) => (error: PlatformError) =>
  new StoreError({
    store: storeName,
    operation,
    reason: error._tag === "SystemError" && error.reason !== "PermissionDenied" ? "Unavailable" : "Rejected",
    detail: error._tag === "SystemError" ? error.reason : error._tag
  })

/** The file system fails to remove what is not there. */
export const unlessAbsent = (removal: Effect.Effect<void, PlatformError>): Effect.Effect<void, PlatformError> =>
  Effect.catchAll(removal, (error) =>
    error._tag === "SystemError" && error.reason === "NotFound" ? Effect.void : Effect.fail(error)
  )
