/**
 * Who has a feature. This is the one place that says so; `FeaturesSql` only fetches the facts it decides on.
 *
 * 1. A feature that does not exist is off for everybody.
 * 2. A team's answer is that of the nearest row on its way up: its own, or its parent's, or its parent's parent's.
 *    When no team on the way has a row, it is the feature's global answer. A team that is met a second time (the
 *    tree has a cycle) ends the way.
 * 3. A user's own row wins over everything.
 * 4. Without one, the user has the feature if any of the teams that accepted the user has it.
 * 5. A user whom no team has accepted gets the global answer. A pending membership gives nothing.
 */

/** What a row says; `undefined`: there is no row. */
export type Row = boolean | undefined

/** The rows of the teams on one way up, the team itself first. */
export type Way = ReadonlyArray<Row>

export interface TeamFacts {
  /** The feature's own answer; `undefined`: there is no such feature. */
  readonly globally: Row
  readonly way: Way
}

export interface UserFacts {
  readonly globally: Row
  /** The user's own row. */
  readonly own: Row
  /** One way up for each accepted membership. */
  readonly ways: ReadonlyArray<Way>
}

export const teamHasFeature = ({ globally, way }: TeamFacts): boolean => {
  if (globally === undefined) return false
  return way.find((row) => row !== undefined) ?? globally
}

export const userHasFeature = ({ globally, own, ways }: UserFacts): boolean => {
  if (globally === undefined) return false
  if (own !== undefined) return own
  return ways.length === 0 ? globally : ways.some((way) => teamHasFeature({ globally, way }))
}
