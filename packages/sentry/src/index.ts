/**
 * @since 0.1.0
 */
export * as SentryReporter from "./SentryReporter.js"
