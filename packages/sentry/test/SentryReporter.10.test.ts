import type * as Sentry11 from "@sentry/node"
import * as Sentry from "sentry-node-10"
import * as applicationSuite from "./support/applicationSuite.js"
import * as scopedSuite from "./support/scopedSuite.js"

// Same names, same shapes; classes with private fields of two packages are never the same type.
const sdk = Sentry as unknown as typeof Sentry11

// In this order: an `init` is for the rest of the process.
scopedSuite.suite("SentryReporter.layerScoped on Sentry 10", sdk)
applicationSuite.suite("SentryReporter.layer on Sentry 10", sdk)
