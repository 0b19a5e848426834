import * as Store from "@larder/cache/Store"
import * as TestClock from "effect/TestClock"
import * as StoreSuite from "../src/StoreSuite.js"

StoreSuite.suite("memory", Store.layerMemory, { advance: TestClock.adjust })
