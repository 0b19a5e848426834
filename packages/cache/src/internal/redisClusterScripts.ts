/**
 * What a store does on a Redis Cluster, where a script touches one slot: each operation is a script where the key lies
 * and one where the tags and the counter lie together. The pieces, and what they rely on, are in `redisLua`.
 *
 * The two halves of an operation are not atomic, and need not be: what a half answered can only be too old when the
 * other half uses it, and a stamp that is too old is a miss.
 */
import * as Lua from "./redisLua.js"
import * as Scripts from "./redisScripts.js"

// Where the tags lie: KEYS counter tags…

/** Makes the counter and the epochs that are missing: counter, epochs. ARGV nonce retain. */
export const tagsStamp = Scripts.capture

/** The stream stands behind the counter. ARGV nonce anew channel text. */
export const tagsInvalidate = Scripts.invalidate

/** The stream stands behind the counter. ARGV nonce anew channel text. */
export const tagsExpire = Scripts.expire

/** KEYS counter declared… learnt…: whether a value may be stored under these tags, and their stamps as it carries them. */
export const tagsJudge = `${Lua.common}${Lua.judging(2)}
local allowed = unchanged() and learn()
make()
if allowed then keep() end
return { allowed and '1' or '0', table.concat(names, ',') }
`

/** ARGV nonce era millis epochs… */
export const tagsRenew = `${Lua.common}
if counter() ~= ARGV[2] then return 0 end
for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[2 + i] then return 0 end
end
for i = 1, #KEYS do atleast(KEYS[i], ARGV[3]) end
return 1
`

// Where the key lies. Its epochs are tokens of the counter's era, which the other half has told.

/** KEYS epoch, ARGV nonce retain era n. */
export const keyStamp = `${Lua.common}
local retain, era, n = ARGV[2], ARGV[3], tonumber(ARGV[4])
${Lua.stamping}
return stamp(KEYS[1])
`

/** KEYS epoch value lease, ARGV nonce retain era n seen lease shares, a name and an epoch for each tag. */
export const keyLease = `${Lua.common}
local retain, era, n = ARGV[2], ARGV[3], tonumber(ARGV[4])
${Lua.stamping}${Lua.leasing}
local names, epochs = {}, {}
for i = 8, #ARGV, 2 do names[#names + 1], epochs[#epochs + 1] = ARGV[i], ARGV[i + 1] end
local own = stamp(KEYS[1])
local verdict, more = ask(KEYS[2], KEYS[3], ARGV[5], ARGV[6], ARGV[7], own, names, epochs)
return { verdict, more or '', own }
`

/** The arguments of fills and commits: `nonce millis allowed tags epoch encoding payload`, and a word of each. */
const value = `
local millis, allowed, tags = ARGV[2], ARGV[3] == '1', ARGV[4]
local own, encoding, payload, word = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
`

/** KEYS epoch value lease; the word is the lease's token. */
export const keyFill = `${Lua.common}${value}${Lua.writing}
if redis.call('HGET', KEYS[3], 'token') ~= word then return 'R' end
return fill(KEYS[1], KEYS[2], KEYS[3], word, own, allowed, tags)
`

/** KEYS epoch value lease; the word is the counter that was captured. */
export const keyCommit = `${Lua.common}${value}${Lua.writing}
return commit(KEYS[1], KEYS[2], KEYS[3], word .. '-' .. nonce, own, allowed, tags)
`

/** KEYS epoch lease, ARGV nonce token epoch millis. */
export const keyRenew = `${Lua.common}
if redis.call('HGET', KEYS[2], 'token') ~= ARGV[2] or redis.call('GET', KEYS[1]) ~= ARGV[3] then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
atleast(KEYS[1], ARGV[4])
return 1
`

/** KEYS epoch, ARGV nonce. The soft half gets the era and count of the hard one, and a nonce of its own. */
export const keyExpire = `
local found = redis.call('GET', KEYS[1])
local hard, counted = string.match(found or '', '^(([0-9a-z]+%-%d+)%-[^.]+)')
if hard then redis.call('SET', KEYS[1], hard .. '.' .. counted .. '-' .. ARGV[1], 'KEEPTTL') end
return 0
`

export const release = Lua.release
