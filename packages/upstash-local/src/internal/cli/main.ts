#!/usr/bin/env node
/** The program `upstash-local`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { readFileSync } from "node:fs"
import * as CommandLine from "./commandLine.js"

/** As far from here in `dist` as in `src`. */
const version = (): string =>
  String(JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")).version)

const run = Either.match(CommandLine.parse(process.argv.slice(2), process.env), {
  onLeft: (problem) => Effect.as(Console.error(`${problem}\n\n${CommandLine.usage}`), 2),
  onRight: (request) => {
    switch (request._tag) {
      case "Help":
        return Effect.as(Console.log(CommandLine.usage), 0)
      case "Version":
        return Effect.as(Console.log(version()), 0)
      case "Serve":
        // The server is loaded when it is wanted: help comes at once.
        return Effect.flatMap(
          Effect.promise(() => import("./serve.js")),
          ({ serve }) => serve(request.options)
        )
    }
  }
})

NodeRuntime.runMain(run, {
  disablePrettyLogger: true,
  teardown: (exit, end) => end(Exit.isSuccess(exit) ? Number(exit.value) : Cause.isInterruptedOnly(exit.cause) ? 0 : 1)
})
