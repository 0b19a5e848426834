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

/** KEYS counter stream everything-to-delete…, ARGV nonce anew channel text. */
export const invalidate = `${Lua.common}${Lua.fencing}
for i = 3, #KEYS do redis.call('DEL', KEYS[i]) end
local answer = write(following(ARGV[2] == '1'))
announce(KEYS[2], answer, ARGV[3], ARGV[4])
return answer
`

/** KEYS counter stream epochs…, ARGV nonce anew channel text. */
export const expire = `${Lua.common}${Lua.fencing}
local era, n = following(ARGV[2] == '1')
local answer = write(era, n)
for i = 3, #KEYS do
  local found = epoch(KEYS[i], era)
  if found then redis.call('SET', KEYS[i], string.match(found, '^[^.]+') .. '.' .. token(era, n), 'KEEPTTL') end
end
announce(KEYS[2], answer, ARGV[3], ARGV[4])
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

/** KEYS counter epoch value lease own stream declared… learnt…; `own` is the key as a tag. */
export const commit = `${Lua.common}${Lua.fencing}${Lua.judging(7)}
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
announce(KEYS[6], answer, channel, text)
return { verdict, answer }
`

/**
 * The counter as it stands, as text. One that is missing is made, so that whoever listens to an empty store knows its
 * first fence for the next one; `-` where it cannot be made.
 *
 * Whoever asks takes the answer for a sign of life, so it begins with a write, of a key that nobody has: a primary that
 * became a replica still answers reads, and hears of no fence any more. It refuses this one.
 */
const standing = `
local function standing()
  redis.call('DEL', KEYS[2])
  local era, n = counter()
  if not era then
    era, n = fresh(), 0
    if redis.pcall('SET', KEYS[1], print(era, n), 'PX', month).err then return '-' end
  end
  return print(era, n)
end
`

/** KEYS counter nobody, ARGV nonce channel text. Tells a text behind everything that was told before. */
export const publishCounted = `${Lua.common}${standing}
return redis.call('PUBLISH', ARGV[2], standing() .. ' ' .. ARGV[3])
`

/** KEYS stream, ARGV nonce text. */
export const append = `${Lua.common}${Lua.appending}
return append(KEYS[1], ARGV[2])
`

/**
 * KEYS counter nobody stream, ARGV nonce after most: counter, the place behind what was read, whether there is more,
 * texts… No `after`: from here on. A false answer: what stood there is not there any more, so what came behind it may be gone.
 */
export const readStream = `${Lua.common}${standing}
local now, after = standing(), ARGV[2]
if after == '' then
  local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  return { now, last and last[1] or '0-0', 0 }
end
local most = tonumber(ARGV[3])
local found = redis.call('XRANGE', KEYS[3], after, '+', 'COUNT', most)
local first = 1
if after ~= '0-0' then
  if not found[1] or found[1][1] ~= after then return false end
  first = 2
end
local answer = { now, #found == 0 and after or found[#found][1], #found == most and 1 or 0 }
for i = first, #found do answer[#answer + 1] = found[i][2][2] end
return answer
`
