/**
 * What the scripts of a store on Redis are made of: pieces of Lua that stand once, whether a script carries out a whole
 * operation on one server or, on a cluster, the half of it that lies on one node.
 *
 * - An epoch of another era than the counter's counts as missing.
 * - A lease is a hash: its token, and the epochs it was granted under.
 * - Every key has a time to live. An epoch lives at least as long as the longest value that may carry it; the counter
 *   a month, or longer if a value does.
 * - When memory is full and nothing may be evicted, Redis refuses the first growing write of a script, and lets a
 *   script go on that has written already. So a fence begins with a write that frees or only touches, and a value is
 *   written before anything else: it may not slip in behind the fence.
 * - A script that is executed twice does no harm: what it made under its nonce the first time, it refuses, deletes or
 *   finds in place the second time.
 */

/** Needs the nonce of this execution as the first argument, and the counter, if it is asked for, as the first key. */
export const common = `
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

/** A stream keeps about so many texts: those of some seconds of the most that a server can do. */
const streamEntries = 10_000

/** Appends to a stream. Needs `month`. */
export const appending = `
local function append(stream, text)
  local added = redis.pcall('XADD', stream, 'MAXLEN', '~', '${streamEntries}', '*', 't', text)
  if type(added) == 'table' and added.err then return added end
  redis.call('PEXPIRE', stream, whole(month))
  return added
end
`

/**
 * Tells a channel, or the stream that is named in its place, how far the counter is, and a text; no channel: there is
 * nobody to tell. What was done is done, so that it cannot be told is no failure of it: whoever listens misses a count.
 */
export const announcing = `${appending}
local function announce(stream, counter, channel, text)
  if channel == stream then append(stream, counter .. ' ' .. text)
  elseif channel ~= '' then redis.pcall('PUBLISH', channel, counter .. ' ' .. text) end
end
`

/** The counter as it will be after this fence, and how it is written. */
export const fencing = `
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
${announcing}`

/** Makes the counter where it is missing. Defines `era` and `n`. Needs `retain`. */
export const counting = `
local era, n = counter()
if era then atleast(KEYS[1], retain)
else
  era, n = fresh(), 0
  redis.call('SET', KEYS[1], print(era, n), 'PX', whole(math.max(tonumber(retain), month)))
end
`

/** The epoch of a key or tag, made where it is missing. Needs `retain era n`. */
export const stamping = `
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
 * Decides about a lease under these epochs: found and the value, busy, or granted and its token. One that stands is
 * granted again to who shares it. Needs `era n`.
 */
export const leasing = `
local function ask(valueKey, leaseKey, seen, millis, shares, own, names, epochs)
  if seen ~= '*' then
    local head = redis.call('GETRANGE', valueKey, 0, 127)
    if head ~= '' and string.match(head, '^L1%l ([^ ]+) ') ~= seen then return 'F', redis.call('GET', valueKey) end
  end
  local held = redis.call('HGET', leaseKey, 'epoch') == own
  for i, name in ipairs(names) do
    local under = held and redis.call('HGET', leaseKey, 'tag:' .. name)
    if under and under ~= epochs[i] then held = false end
  end
  if held and shares == '1' then
    atleast(leaseKey, millis)
    return 'G', redis.call('HGET', leaseKey, 'token')
  end
  if held then return 'B' end
  redis.call('DEL', leaseKey)
  redis.call('HSET', leaseKey, 'token', token(era, n), 'epoch', own)
  for i, name in ipairs(names) do redis.call('HSET', leaseKey, 'tag:' .. name, epochs[i]) end
  redis.call('PEXPIRE', leaseKey, millis)
  return 'G', token(era, n)
end
`

/**
 * The tags of a value that is to be stored, the keys from `first` on. Arguments `nonce era n millis declared`, a name
 * and a stamp for each declared tag, a name for each learnt one.
 */
export const judging = (first: number): string => `
local since = { era = ARGV[2], n = tonumber(ARGV[3]) }
local millis, declared = ARGV[4], tonumber(ARGV[5])
local era, n = counter()
local names, missing, refused = {}, {}, false
local function unchanged()
  if era ~= since.era then return false end
  for i = 1, declared do
    if redis.call('GET', KEYS[${first} - 1 + i]) ~= ARGV[5 + 2 * i] then return false end
    names[i] = ARGV[4 + 2 * i] .. '=' .. ARGV[5 + 2 * i]
  end
  return true
end
local function learn()
  for i = declared + 1, #KEYS - ${first} + 1 do
    local key = KEYS[${first} - 1 + i]
    local found = epoch(key, era)
    if found then
      local changedEra, changed = string.match(found, '([0-9a-z]+)%-(%d+)%-[0-9a-z]+$')
      if changedEra ~= since.era or tonumber(changed) > since.n then refused = true end
    else
      found = token(era, n)
      missing[#missing + 1] = { key, found }
      if n ~= since.n then refused = true end
    end
    names[#names + 1] = ARGV[5 + declared + i] .. '=' .. found
  end
  return not refused
end
local function make()
  for _, one in ipairs(missing) do redis.call('SET', one[1], one[2], 'PX', millis) end
end
local function keep()
  atleast(KEYS[1], millis)
  for i = ${first}, #KEYS do atleast(KEYS[i], millis) end
end
`

/** Writes a value or refuses it. Needs `millis encoding payload`; no encoding: there is nothing to store. */
export const writing = `
local function frame(id, key, tags)
  return 'L1' .. encoding .. ' ' .. id .. ' ' .. key .. ' ' .. tags .. '\\n' .. payload
end
local function fill(epochKey, valueKey, leaseKey, held, own, allowed, tags)
  if not allowed or redis.call('GET', epochKey) ~= own then
    redis.call('DEL', leaseKey)
    return 'R'
  end
  local written = redis.pcall('SET', valueKey, frame(held, own, tags), 'PX', millis)
  redis.call('DEL', leaseKey)
  if written.err then return written end
  atleast(epochKey, millis)
  return 'S'
end
local function commit(epochKey, valueKey, leaseKey, id, own, allowed, tags)
  local stores = encoding ~= '' and allowed and redis.call('GET', epochKey) == own
  if stores then stores = not redis.pcall('SET', valueKey, frame(id, id, tags), 'PX', millis).err end
  redis.call('DEL', epochKey, leaseKey)
  if stores then redis.call('SET', epochKey, id, 'PX', millis)
  else redis.call('DEL', valueKey) end
  return stores and 'S' or 'R'
end
`

/** KEYS lease, ARGV token. Gives back a lease that is still the caller's. */
export const release = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`
