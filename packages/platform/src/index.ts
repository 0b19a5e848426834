/**
 * Larder and the ports of Effect's platform: a store over any `KeyValueStore`, and stores under Effect's `Persistence`.
 *
 * @since 0.1.0
 */
export * as PlatformStore from "./PlatformStore.js"
