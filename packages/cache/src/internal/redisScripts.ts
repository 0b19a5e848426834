/**
 * What a store does on a Redis server, in Lua: the rules of `memoryStore`, atomic by being scripts. They need Redis 6.2
 * and declare every key.
 *
 * - An epoch of another era than the counter's counts as missing.
 * - A lease is a hash: its token, and the epochs it was granted under by the names of their keys.
 * - Every key has a time to live. An epoch lives at least as long as the longest value that may carry it; the counter
 *   a month, or longer if a value does.
 * - When memory is full and nothing may be evicted, Redis refuses the first growing write of a script, and lets a
 *   script go on that has written already. So a fence begins with a write that frees or only touches, and a value is
 *   written before anything else: it may not slip in behind the fence.
 * - A script that is executed twice does no harm: what it made under its nonce the first time, it refuses, deletes or
 *   finds in place the second time.
 */

const common = `
local nonce = ARGV[1]
local month = 2592000000
local function atleast(key, millis)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < tonumber(millis) then redis.call('PEXPIRE', key, millis) end
end
local function counter()
  local era, n = string.match(redis.call('GET', KEYS[1]) or '', '^([0-9a-z]+)%-(%d+)$')
  return era, tonumber(n)
end
local function print(era, n) return era .. '-' .. string.format('%.0f', n) end
local function token(era, n) return print(era, n) .. '-' .. nonce end
local function fresh()
  local time = redis.call('TIME')
  return string.sub(nonce, 1, 8) .. string.format('%x%05x', tonumber(time[1]), tonumber(time[2]))
end
local function whole(n) return string.format('%.0f', n) end
local function epoch(key, era)
  local found = redis.call('GET', key)
  if found and era and string.sub(found, 1, #era + 1) == era .. '-' then return found end
end
`

/** The counter as it will be after this fence, and how it is written. */
const fencing = `
local function following(anew)
  local era, n = counter()
  if anew or not era then return fresh(), 0 end
  return era, n + 1
end
local function write(era, n)
  local life = whole(math.max(redis.call('PTTL', KEYS[1]), month))
  redis.call('PEXPIRE', KEYS[1], life)
  redis.call('SET', KEYS[1], print(era, n), 'PX', life)
  return print(era, n)
end
`

/** Makes what is missing: for leases and captures. */
const stamping = `
local retain = ARGV[2]
local era, n = counter()
if era then atleast(KEYS[1], retain)
else
  era, n = fresh(), 0
  redis.call('SET', KEYS[1], print(era, n), 'PX', whole(math.max(tonumber(retain), month)))
end
local function stamp(key)
  local found = epoch(key, era)
  if found then atleast(key, retain)
  else
    found = token(era, n)
    redis.call('SET', key, found, 'PX', retain)
  end
  return found
end
`

/**
 * For fills and commits, which have the same arguments: `nonce token era n millis encoding declared epoch`, a name and
 * a stamp for each declared tag, a name for each learnt tag, the payload.
 */
const storing = `
local since = { era = ARGV[3], n = tonumber(ARGV[4]) }
local millis, encoding, declared = ARGV[5], ARGV[6], tonumber(ARGV[7])
local era, n = counter()
local names, missing, refused = {}, {}, false
local function unchanged()
  if era ~= since.era or redis.call('GET', KEYS[2]) ~= ARGV[8] then return false end
  for i = 1, declared do
    if redis.call('GET', KEYS[4 + i]) ~= ARGV[8 + 2 * i] then return false end
    names[i] = ARGV[7 + 2 * i] .. '=' .. ARGV[8 + 2 * i]
  end
  return true
end
local function learn()
  for i = 5 + declared, #KEYS do
    local name = ARGV[4 + i + declared]
    local found = epoch(KEYS[i], era)
    if found then
      local changedEra, changed = string.match(found, '([0-9a-z]+)%-(%d+)%-[0-9a-z]+$')
      if changedEra ~= since.era or tonumber(changed) > since.n then refused = true end
    else
      found = token(era, n)
      missing[#missing + 1] = { KEYS[i], found }
      if n ~= since.n then refused = true end
    end
    names[#names + 1] = name .. '=' .. found
  end
  return not refused
end
local function make()
  for _, one in ipairs(missing) do redis.call('SET', one[1], one[2], 'PX', millis) end
end
local function keep()
  atleast(KEYS[1], millis)
  for i = 5, #KEYS do atleast(KEYS[i], millis) end
end
local function frame(id, key)
  return 'L1' .. encoding .. ' ' .. id .. ' ' .. key .. ' ' .. table.concat(names, ',') .. '\\n' .. ARGV[#ARGV]
end
`

/** KEYS counter epoch value lease tags…, ARGV nonce retain seen lease. */
export const lease = `${common}${stamping}
local seen = ARGV[3]
local answer = { 'G', print(era, n), stamp(KEYS[2]) }
for i = 5, #KEYS do answer[i - 1] = stamp(KEYS[i]) end
if seen ~= '*' then
  local head = redis.call('GETRANGE', KEYS[3], 0, 127)
  if head ~= '' and string.match(head, '^L1%l ([^ ]+) ') ~= seen then
    answer[1] = 'F'
    answer[#answer + 1] = redis.call('GET', KEYS[3])
    return answer
  end
end
local held = redis.call('HGET', KEYS[4], KEYS[2]) == answer[3]
for i = 5, #KEYS do
  local under = held and redis.call('HGET', KEYS[4], KEYS[i])
  if under and under ~= answer[i - 1] then held = false end
end
if held then return { 'B' } end
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[4], 'token', token(era, n), KEYS[2], answer[3])
for i = 5, #KEYS do redis.call('HSET', KEYS[4], KEYS[i], answer[i - 1]) end
redis.call('PEXPIRE', KEYS[4], ARGV[4])
answer[#answer + 1] = token(era, n)
return answer
`

/** KEYS counter epoch value lease declared… learnt… */
export const fill = `${common}${storing}
if redis.call('HGET', KEYS[4], 'token') ~= ARGV[2] then return 'R' end
if not (unchanged() and learn()) then
  redis.call('DEL', KEYS[4])
  make()
  return 'R'
end
local written = redis.pcall('SET', KEYS[3], frame(ARGV[2], ARGV[8]), 'PX', millis)
redis.call('DEL', KEYS[4])
if written.err then return written end
make()
atleast(KEYS[2], millis)
keep()
return 'S'
`

/** KEYS counter epoch lease tags…, ARGV nonce token era lease epochs…; the epochs in the order of their keys. */
export const renew = `${common}
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

/** KEYS lease, ARGV token. */
export const release = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`

/** KEYS counter everything-to-delete…, ARGV nonce anew. */
export const invalidate = `${common}${fencing}
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return write(following(ARGV[2] == '1'))
`

/** KEYS counter epochs…, ARGV nonce anew. */
export const expire = `${common}${fencing}
local era, n = following(ARGV[2] == '1')
local answer = write(era, n)
for i = 2, #KEYS do
  local found = epoch(KEYS[i], era)
  if found then redis.call('SET', KEYS[i], string.match(found, '^[^.]+') .. '.' .. token(era, n), 'KEEPTTL') end
end
return answer
`

/** KEYS counter epoch tags…, ARGV nonce retain. */
export const capture = `${common}${stamping}
local answer = { print(era, n) }
for i = 2, #KEYS do answer[i] = stamp(KEYS[i]) end
return answer
`

/** KEYS counter epoch value lease declared… learnt… No encoding: nothing to store. */
export const commit = `${common}${fencing}${storing}
local nextEra, nextN = following(false)
local id = token(nextEra, nextN)
local stores = encoding ~= '' and unchanged() and learn()
if stores then stores = not redis.pcall('SET', KEYS[3], frame(id, id), 'PX', millis).err end
redis.call('DEL', KEYS[2], KEYS[4])
if not stores then redis.call('DEL', KEYS[3]) end
local answer = write(nextEra, nextN)
make()
if stores then
  redis.call('SET', KEYS[2], id, 'PX', millis)
  keep()
end
return { stores and 'S' or 'R', answer }
`
