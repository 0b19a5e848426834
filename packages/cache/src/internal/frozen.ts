/**
 * Freezing a value through and through. Only what consists of arrays and objects without insides can be frozen: a map,
 * a set, a date or bytes stay changeable whatever is done to the object.
 */

const changeable = (value: object): boolean =>
  value instanceof Map ||
  value instanceof Set ||
  value instanceof Date ||
  ArrayBuffer.isView(value) ||
  value instanceof ArrayBuffer ||
  value instanceof WeakMap ||
  value instanceof WeakSet

/** Freezes a value, or answers `false` and leaves it as it is. */
export const freeze = (value: unknown): boolean => {
  const parts = new Set<object>()
  const pending: Array<unknown> = [value]
  while (pending.length > 0) {
    const one = pending.pop()
    if (typeof one === "function") return false
    if (typeof one !== "object" || one === null || parts.has(one)) continue
    if (changeable(one)) return false
    parts.add(one)
    for (const key of Reflect.ownKeys(one)) {
      const property = Reflect.getOwnPropertyDescriptor(one, key)!
      if (property.get !== undefined || property.set !== undefined) return false
      pending.push(property.value)
    }
  }
  for (const part of parts) Object.freeze(part)
  return true
}
