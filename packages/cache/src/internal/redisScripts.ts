/**
 * What a store does on a Redis server, in Lua: the rules of `memoryStore`, atomic by being scripts. They need Redis 6.2
 * and declare every key. The pieces, and what they rely on, are in `redisLua`.
 */
import * as Lua from "./redisLua.js"

export const release = Lua.release

/** KEYS counter epoch value lease tags…, ARGV nonce retain seen lease shares. */
export const lease = `${Lua.common}
local retain = ARGV[2]
${Lua.counting}${Lua.stamping}${Lua.leasing}
local names, epochs = {}, {}
for i = 5, #KEYS do names[i - 4], epochs[i - 4] = KEYS[i], stamp(KEYS[i]) end
local own = stamp(KEYS[2])
local verdict, more = ask(KEYS[3], KEYS[4], ARGV[3], ARGV[4], ARGV[5], own, names, epochs)
return { verdict, more or '', print(era, n), own, unpack(epochs) }
`

/** The end of the arguments of fills and commits: `token epoch encoding payload`, and of commits `channel text`. */
const tail = (more: number) => `local held, own, encoding, payload, channel, text = unpack(ARGV, #ARGV - ${3 + more})`

/** KEYS counter epoch value lease declared… learnt… */
export const fill = `${Lua.common}${Lua.judging(5)}
${tail(0)}
${Lua.writing}
if redis.call('HGET', KEYS[4], 'token') ~= held then return 'R' end
local allowed = unchanged() and learn()
local verdict = fill(KEYS[2], KEYS[3], KEYS[4], held, own, allowed, table.concat(names, ','))
if type(verdict) == 'table' then return verdict end
make()
if verdict == 'S' then keep() end
return verdict
`

/** KEYS counter epoch lease tags…, ARGV nonce token era lease epochs…; the epochs in the order of their keys. */
export const renew = `${Lua.common}
if redis.call('HGET', KEYS[3], 'token') ~= ARGV[2] or counter() ~= ARGV[3] then return 0 end
if redis.call('GET', KEYS[2]) ~= ARGV[5] then return 0 end
for i = 4, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[2 + i] then return 0 end
end
redis.call('PEXPIRE', KEYS[3], ARGV[4])
for i = 1, #KEYS do
  if i ~= 3 then atleast(KEYS[i], ARGV[4]) end
end
return 1
`

/** KEYS counter everything-to-delete…, ARGV nonce anew channel text. */
export const invalidate = `${Lua.common}${Lua.fencing}
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
local answer = write(following(ARGV[2] == '1'))
announce(answer, ARGV[3], ARGV[4])
return answer
`

/** KEYS counter epochs…, ARGV nonce anew channel text. */
export const expire = `${Lua.common}${Lua.fencing}
local era, n = following(ARGV[2] == '1')
local answer = write(era, n)
for i = 2, #KEYS do
  local found = epoch(KEYS[i], era)
  if found then redis.call('SET', KEYS[i], string.match(found, '^[^.]+') .. '.' .. token(era, n), 'KEEPTTL') end
end
announce(answer, ARGV[3], ARGV[4])
return answer
`

/** KEYS counter epochs…, ARGV nonce retain. */
export const capture = `${Lua.common}
local retain = ARGV[2]
${Lua.counting}${Lua.stamping}
local answer = { print(era, n) }
for i = 2, #KEYS do answer[i] = stamp(KEYS[i]) end
return answer
`

/** KEYS counter epoch value lease own declared… learnt…; `own` is the key as a tag. */
export const commit = `${Lua.common}${Lua.fencing}${Lua.judging(6)}
${tail(2)}
${Lua.writing}
local nextEra, nextN = following(false)
local allowed = encoding ~= '' and unchanged() and learn()
local id = token(nextEra, nextN)
local verdict = commit(KEYS[2], KEYS[3], KEYS[4], id, own, allowed, table.concat(names, ','))
redis.call('DEL', KEYS[5])
local answer = write(nextEra, nextN)
make()
if verdict == 'S' then keep() end
announce(answer, channel, text)
return { verdict, answer }
`

/**
 * KEYS counter, ARGV nonce channel text. Tells a text behind everything that was told before, with the counter as it is.
 * One that is missing is made, so that whoever listens to an empty store knows its first fence for the next one.
 */
export const publishCounted = `${Lua.common}
local era, n = counter()
if not era then
  era, n = fresh(), 0
  if redis.pcall('SET', KEYS[1], print(era, n), 'PX', month).err then era = nil end
end
return redis.call('PUBLISH', ARGV[2], (era and print(era, n) or '-') .. ' ' .. ARGV[3])
`
