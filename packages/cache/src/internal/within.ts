/**
 * Whether an instant lies within so many milliseconds after another one. One that lies before it does not: the clock
 * was set back, and nobody knows how much time has passed.
 */
export const isWithin = (fromMillis: number, millis: number, nowMillis: number): boolean =>
  fromMillis <= nowMillis && nowMillis < fromMillis + millis
