/** The tags under which answers are filed, so that a change can name what it touches. */

export const feature = (slug: string) => `feature:${slug}`
export const team = (id: number) => `team:${id}`
export const user = (id: number) => `user:${id}`
