/**
 * The layers, over whichever copy of the SDK: the tests run them on both majors.
 */
import type { ConfigurationError } from "@larder/cache/CacheError"
import * as Reporter from "@larder/cache/Reporter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Options, ScopedOptions } from "../SentryReporter.js"
import * as isolatedClient from "./isolatedClient.js"
import type { Client, Sdk } from "./sdk.js"
import * as tell from "./tell.js"

const reporter = (sdk: Sdk, client: () => Client | undefined, options: Options) =>
  Effect.map(Reporter.Reporter, (log) => {
    const toSentry = tell.make(sdk, client, options)
    return {
      report: (failure: Reporter.CacheFailure) => Effect.zipRight(log.report(failure), toSentry(failure)),
      // Whoever is told of an outage need not be woken for its end.
      recovered: log.recovered
    }
  })

export const layerWith =
  (sdk: Sdk) =>
  (options: Options): Layer.Layer<Reporter.Reporter> =>
    Layer.effect(
      Reporter.Reporter,
      reporter(sdk, () => sdk.getClient(), options)
    ).pipe(Layer.provide(Reporter.layerLogWith(options)))

export const layerScoped =
  (sdk: Sdk) =>
  (given: ScopedOptions): Layer.Layer<Reporter.Reporter, ConfigurationError> => {
    const { annotations, burst, scrub, windowMillis, ...client } = given
    const options = { annotations, burst, scrub, windowMillis }
    return Layer.scoped(
      Reporter.Reporter,
      Effect.flatMap(isolatedClient.make(sdk, client), (own) => reporter(sdk, () => own, options))
    ).pipe(Layer.provide(Reporter.layerLogWith(options)))
  }
