/**
 * Larder and the ports of Effect's platform: a store and a journal over any `KeyValueStore`, and stores under Effect's `Persistence`.
 *
 * @since 0.1.0
 */
export * as PlatformJournal from "./PlatformJournal.js"
export * as PlatformStore from "./PlatformStore.js"
export * as StorePersistence from "./StorePersistence.js"
