/**
 * A service with some members in other clothes. Everything else is the service's own: prototype methods and getters
 * see the service itself as `this`, private fields included, and a frozen service can be decorated too (which a proxy
 * of the service itself could not).
 */
export const decorated = <S extends object>(service: S, dress: (name: PropertyKey, member: unknown) => unknown): S => {
  const dressed = new Map<PropertyKey, unknown>()

  const memberOf = (name: PropertyKey): unknown => {
    if (dressed.has(name)) return dressed.get(name)
    const member: unknown = Reflect.get(service, name, service)
    const other = dress(name, member)
    if (other !== undefined) {
      dressed.set(name, other)
      return other
    }
    if (typeof member !== "function" || Object.hasOwn(service, name) || name === "constructor") return member
    const bound: unknown = member.bind(service)
    dressed.set(name, bound)
    return bound
  }

  return new Proxy(Object.create(Object.getPrototypeOf(service)) as S, {
    get: (_, name) => memberOf(name),
    has: (_, name) => Reflect.has(service, name),
    set: (_, name, value) => {
      dressed.delete(name)
      return Reflect.set(service, name, value, service)
    },
    ownKeys: () => Reflect.ownKeys(service),
    getOwnPropertyDescriptor: (_, name) => {
      const own = Reflect.getOwnPropertyDescriptor(service, name)
      return own && { value: memberOf(name), enumerable: own.enumerable ?? false, configurable: true, writable: true }
    }
  })
}
