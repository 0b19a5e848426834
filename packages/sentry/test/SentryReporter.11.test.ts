import * as Sentry from "@sentry/node"
import * as applicationSuite from "./support/applicationSuite.js"
import * as scopedSuite from "./support/scopedSuite.js"

// In this order: an `init` is for the rest of the process.
scopedSuite.suite("SentryReporter.layerScoped on Sentry 11", Sentry)
applicationSuite.suite("SentryReporter.layer on Sentry 11", Sentry)
