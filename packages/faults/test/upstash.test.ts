import { describeWithRedis } from "@larder/testing/DescribeWithRedis"
import { trials } from "./support/trials.js"

describeWithRedis("Faults of Upstash: every answer is right and in time, and the store is used again, when", () =>
  trials("upstash")
)
