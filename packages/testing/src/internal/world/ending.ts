/** How a world ends: everything is made whole, and looked at. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Key } from "./judge.js"
import type { Instance, Parts } from "./parts.js"
import { type Id, ids, memoryEntries } from "./words.js"

/** Whoever waits for longer in the end waits for ever: no pause between two attempts is as long. */
const longestMillis = 90_000

/** Everything is whole again and time has passed: nothing must be left of what was. */
export const end = ({
  bus,
  call,
  database,
  fence,
  fork,
  get,
  instances,
  judge,
  policy,
  setup,
  store,
  timeline
}: Parts): void => {
  const wrong = (what: string) => judge.violate(`in the end ${what}`)
  store.heal()
  bus.heal()
  for (const id of ids) database.set(id, { before: 0, after: 1, fails: false })
  const since = timeline.nowMillis()
  const waitWhile = (isMissing: () => boolean): void => {
    while (isMissing() && timeline.nowMillis() < since + longestMillis) timeline.advance(3_000)
  }
  const isBusy = ({ cache, life }: Instance) =>
    cache === undefined || life.waiting > 0 || !life.stands || judge.runningOf(life) > 0
  waitWhile(() => instances.some(isBusy))
  // Until nothing that is stored may be answered by anybody's clock.
  const window = Math.max(policy.staleWhileRevalidate ?? 0, policy.staleIfError ?? 0)
  timeline.advance(policy.timeToLive + window + Math.max(...setup.skewMillis) - Math.min(...setup.skewMillis))
  for (const { life } of instances) {
    if (!life.stands) wrong(`instance ${life.instance} does not hear the bus`)
    if (life.waiting > 0) wrong(`${life.waiting} calls of instance ${life.instance} are still waiting`)
  }
  const current = (instance: Instance, id: Id): void => {
    const made = judge.call(instance.life, false)
    const { life } = instance
    let number: number | undefined
    const answer = Effect.map(get(instance, made, id), (value) => {
      number = value
      return [value]
    })
    call(life, [id], made, answer)
    timeline.advance(50)
    // A lease whose reply was lost stands until its time is over.
    const answered = () => number !== undefined
    for (let i = 0; i < 120 && !answered(); i++) timeline.advance(100)
    if (number === undefined) return wrong(`instance ${life.instance} does not answer key ${id}`)
    if (judge.versionAt(number) === judge.versionOf(id)) return
    wrong(`instance ${life.instance} answers an old value of key ${id}`)
  }
  for (const instance of instances) {
    if (instance.cache === undefined) return wrong(`instance ${instance.life.instance} is not there`)
    for (const id of ids) current(instance, id)
  }
  for (const instance of instances) {
    // From here on every value is of its own clock.
    fence(instance, "prefix", 0, false)
    timeline.advance(400)
    for (const id of ids) current(instance, id)
    const running = judge.runningOf(instance.life)
    if (running > 0) wrong(`${running} lookups of instance ${instance.life.instance} are still running`)
    // What is stored and hidden by nothing is found: in the end the journal is empty.
    const finds = (id: Id): boolean => {
      let found = false
      const look = Effect.map(instance.cache!.get(Key(id)), (one) => {
        found = one._tag === "Some"
      })
      fork(instance.life, look)
      timeline.advance(250)
      return found
    }
    for (const id of ids) {
      let found = false
      waitWhile(() => {
        found = finds(id)
        if (found) return false
        current(instance, id)
        found = finds(id)
        return !found
      })
      if (!found) wrong(`instance ${instance.life.instance} does not find key ${id}`)
    }
    // What is in memory is neither read nor, while a recall hides it, looked up.
    const [reads, lookups] = [store.reads(), judge.began()]
    for (const id of ids) current(instance, id)
    const held = ids.length - Math.max(store.reads() - reads, judge.began() - lookups)
    if (held > memoryEntries) wrong(`instance ${instance.life.instance} holds ${held} values in memory`)
  }
  for (const id of ids) {
    const request = { key: Key(id).id, shape: store.shapeOf(Key(id).id), tags: [], leaseMillis: 1, retainMillis: 1 }
    const [answer] = store.directly((memory) => memory.lease([request]))
    if (answer?._tag === "Busy") wrong(`a lease of key ${id} is held`)
  }
  for (const { life, scope } of instances) {
    fork(life, Scope.close(scope!, Exit.void))
    timeline.advance(1_000)
    if (life.alarms > 0) wrong(`${life.alarms} fibers of instance ${life.instance} still wait for their time`)
  }
  if (bus.subscriptions() > 0) wrong(`${bus.subscriptions()} subscriptions are left`)
}
