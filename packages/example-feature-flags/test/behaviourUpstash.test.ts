import * as Cache from "@larder/cache/Cache"
import * as Reporter from "@larder/cache/Reporter"
import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import * as UpstashLocal from "@larder/upstash-local/UpstashLocal"
import * as UpstashStore from "@larder/upstash/UpstashStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { behaviour } from "./behaviour.js"

const upstash = Layer.unwrapEffect(
  Effect.map(UpstashLocal.UpstashLocal, ({ token, url }) => UpstashStore.layer({ url, token }))
).pipe(Layer.provide(UpstashLocal.layerWithRedis()))

describeWithRedis("over HTTP", () => {
  behaviour("Upstash", "behaviour_upstash", Layer.provide(Cache.layer, [upstash, Reporter.layerNoop]))
})
