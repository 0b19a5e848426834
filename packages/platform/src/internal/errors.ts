/** Failures of a `KeyValueStore` as failures of a store: what kind, and nothing of paths, names or contents. */
import { StoreError } from "@larder/cache/CacheError"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"

export const storeName = "keyValueStore"

export const storeError =
  (operation: string, store = storeName) =>
  (error: PlatformError) =>
    new StoreError({
      store,
      operation,
      reason: error._tag === "SystemError" && error.reason !== "PermissionDenied" ? "Unavailable" : "Rejected",
      detail: error._tag === "SystemError" ? error.reason : error._tag
    })

export const isAbsent = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/** The file system fails to remove what is not there. */
export const unlessAbsent = (removal: Effect.Effect<void, PlatformError>): Effect.Effect<void, PlatformError> =>
  Effect.catchIf(removal, isAbsent, () => Effect.void)
