/**
 * The same repository, cached by a plan. Neither the repository nor its callers know: it is the same tag, decorated.
 *
 * The tags that depend on the arguments are named here; those of the teams above are named by the repository as it
 * climbs (`FeaturesSql`), because only then they are known.
 */
import type * as Cache from "@larder/cache/Cache"
import * as CachePolicy from "@larder/cache/CachePolicy"
import * as Repository from "@larder/cache/Repository"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Feature, Features } from "./Features.js"
import * as Tags from "./Tags.js"

export interface Options {
  /** Names the cache in keys and reports. */
  readonly prefix?: string
  /** Over `CachePolicy.resilient`: fresh for five minutes, an hour more when the database fails. */
  readonly policy?: CachePolicy.CachePolicy
}

export const layer = (options: Options = {}): Layer.Layer<Features, never, Features | Cache.Cache> =>
  Repository.layerCached(Features, {
    prefix: options.prefix ?? "features",
    version: 1,
    policy: CachePolicy.merge(CachePolicy.resilient, options.policy),
    methods: {
      checkIfFeatureIsEnabledGlobally: {
        key: (slug) => ["global", slug],
        schema: Schema.Boolean
      },
      checkIfUserHasFeature: {
        key: (userId, slug) => ["user", userId, slug],
        schema: Schema.Boolean,
        tags: (userId, slug) => [Tags.user(userId), Tags.feature(slug)]
      },
      checkIfTeamHasFeature: {
        key: (teamId, slug) => ["team", teamId, slug],
        schema: Schema.Boolean,
        tags: (_teamId, slug) => [Tags.feature(slug)]
      },
      list: {
        key: () => ["list"],
        schema: Schema.Array(Feature)
      },
      setFeature: {
        invalidates: (_result, slug) => ({
          tags: [Tags.feature(slug)],
          entries: { checkIfFeatureIsEnabledGlobally: [[slug]], list: [[]] }
        })
      },
      setUserFeature: {
        invalidates: (_result, userId, slug) => ({ entries: { checkIfUserHasFeature: [[userId, slug]] } })
      },
      setTeamFeature: {
        invalidates: (_result, teamId) => ({ tags: [Tags.team(teamId)] })
      },
      setMembership: {
        invalidates: (_result, userId) => ({ tags: [Tags.user(userId)] })
      }
    }
  })

export const FeaturesCached = layer()
