import { hash } from 'node:crypto'

/** A Lua script, which Redis runs as one atomic step. */
export interface Script {
  readonly text: string
  /** By which a node knows it that has seen it before. */
  readonly sha: string
}

/** All there are. */
export interface Scripts {
  readonly create: Script
  readonly save: Script
  readonly touch: Script
  readonly end: Script
  readonly endUser: Script
  readonly endTag: Script
  readonly generation: Script
  readonly list: Script
  readonly sizes: Script
  readonly sids: Script
  readonly countTags: Script
  readonly pick: Script
}

/** Expired records stay this much longer, so that a clock of the server that jumps takes nobody's session. */
const marginMs = 5 * 60_000

/** How long a user's generation outlives their last `endUser`: longer than any sign-in is under way. */
const generationMs = 30 * 86_400_000

/*
 * Rules that all of them keep:
 * - No clock: the server's may differ from ours. A key's time to live is a difference of the engine's own instants, and
 *   only garbage depends on it.
 * - Numbers come and go as texts: Lua would write an instant as 1.7e+12.
 * - What is written is read first. While a slot moves to another node, each key that is not here (any more, or yet) makes
 *   the script fail at that point, which must be before its first write.
 * - A record that cannot be read is never overwritten, and counts as ended: nobody can use it.
 */
const shared = `
local function life(from, to)
  return math.min(math.max(math.ceil(to - from), 0) + ${marginMs}, 8e12)
end

local function whole(number)
  return string.format('%.0f', number)
end

-- What a key of these begins with; base .. 'r:' .. sid is a record.
local function baseOf(key)
  return string.match(key, '^.*{..}:')
end

-- The record, or nil when there is none, or 'damaged'.
local function load(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'table' then
    if string.find(text.err, 'WRONGTYPE', 1, true) then return 'damaged' end
    error(text)
  end
  if not text then return nil end
  local version, createdAt, lastSeenAt, expiresAt, size, form, user, mark, at = string.match(text,
    '^1 (%d+) (%-?[%d.]+) (%-?[%d.]+) (%-?[%d.]+) (%d+) ([tj]) (%S+) ([^\\n]+)\\n()')
  if not at or #text - at + 1 ~= tonumber(size) then return 'damaged' end
  return { text = text, version = version, createdAt = createdAt, lastSeenAt = lastSeenAt, expiresAt = expiresAt,
    form = form, user = user, mark = mark, at = at }
end

local function put(key, record, body, ms)
  local head = { '1', record.version, record.createdAt, record.lastSeenAt, record.expiresAt, #body, record.form, record.user, record.mark }
  redis.call('SET', key, table.concat(head, ' ') .. '\\n' .. body, 'PX', whole(ms))
end

local function userKey(base, record)
  return base .. 'u:' .. string.sub(record.user, 2)
end

-- Makes a user's key outlive the record: twice as long, so that most calls need not write it again.
local function outlive(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, whole(2 * ms)) end
end

-- Turns a live record into a tombstone and takes it out of the indexes.
local function finish(base, sid, record, mark, at, keepUntil)
  if record.user ~= '-' then redis.call('HDEL', userKey(base, record), sid) end
  redis.call('HDEL', base .. 't', sid)
  put(base .. 'r:' .. sid, { version = whole(record.version + 1), createdAt = record.createdAt, lastSeenAt = record.lastSeenAt,
    expiresAt = keepUntil, form = 't', user = record.user, mark = mark }, '', life(at, keepUntil))
end

-- The live records of an index, and the sids for which there is no record: expired, or on another node while a slot moves.
local function living(base, index)
  local found, missing = {}, {}
  for _, sid in ipairs(redis.call('HKEYS', index)) do
    if #sid == 22 then
      local record = load(base .. 'r:' .. sid)
      if not record then
        table.insert(missing, sid)
      elseif record ~= 'damaged' and record.mark == '-' then
        record.sid = sid
        table.insert(found, record)
      end
    end
  end
  return found, missing
end

-- Looks at two entries and removes those whose record expired. Each create adds one, so at most half are such.
local function tidy(base, index)
  for _, sid in ipairs(redis.call('HRANDFIELD', index, 2)) do
    if #sid == 22 and redis.pcall('EXISTS', base .. 'r:' .. sid) == 0 then redis.call('HDEL', index, sid) end
  end
end

local function generationOf(tag, user)
  return math.max(tonumber(redis.call('HGET', user, 'g') or 0), tonumber(redis.call('HGET', tag, 'f') or 0))
end

local function isOf(index, base, record)
  return userKey(base, record) == index
end
`

/** KEYS record, tag, user (none when anonymous). ARGV sid, record, lastSeenAt, expiresAt, generation or '', now, max or '', except, 'refuse' or mark, at, keepUntil. */
const create = `
if redis.call('EXISTS', KEYS[1]) == 1 then return { 'exists' } end
local base, tag, user, sid = baseOf(KEYS[1]), KEYS[2], KEYS[3], ARGV[1]
redis.call('HLEN', tag)
local crowd = {}
if user then
  if redis.call('HLEN', user) and ARGV[5] ~= '' and tonumber(ARGV[5]) ~= generationOf(tag, user) then return { 'overtaken' } end
  if ARGV[7] ~= '' then
    for _, record in ipairs((living(base, user))) do
      if tonumber(record.expiresAt) > tonumber(ARGV[6]) and record.sid ~= ARGV[8] and isOf(user, base, record) then
        table.insert(crowd, record)
      end
    end
    table.sort(crowd, function(a, b)
      if a.createdAt ~= b.createdAt then return tonumber(a.createdAt) > tonumber(b.createdAt) end
      return a.sid > b.sid
    end)
  end
end
local answer = { 'created' }
-- Newest first, so the oldest are behind the max - 1 that may stay.
for i = tonumber(ARGV[7]) or 1, #crowd do
  if ARGV[9] == 'refuse' then return { 'limit' } end
  finish(base, crowd[i].sid, crowd[i], ARGV[9], ARGV[10], ARGV[11])
  tell(crowd[i].sid)
  table.insert(answer, crowd[i].sid)
  table.insert(answer, crowd[i].text)
end
local ms = life(ARGV[3], ARGV[4])
if user then
  redis.call('HSET', user, sid, '')
  outlive(user, ms)
end
redis.call('HSET', tag, sid, '')
redis.call('SET', KEYS[1], ARGV[2], 'PX', whole(ms))
tell(sid)
if user then tidy(base, user) end
tidy(base, tag)
return answer
`

/** KEYS record. ARGV sid, version, createdAt, lastSeenAt, expiresAt, form, body. */
const save = `
local record = load(KEYS[1])
if record == 'damaged' then return redis.error_reply('DAMAGED record') end
if not record or record.mark ~= '-' then return 'gone' end
if tonumber(record.version) ~= tonumber(ARGV[2]) - 1 then return 'conflict' end
local base, ms = baseOf(KEYS[1]), life(ARGV[4], ARGV[5])
if record.user ~= '-' then outlive(userKey(base, record), ms) end
put(KEYS[1], { version = ARGV[2], createdAt = ARGV[3], lastSeenAt = ARGV[4], expiresAt = ARGV[5], form = ARGV[6],
  user = record.user, mark = '-' }, ARGV[7], ms)
tell(ARGV[1])
return 'saved'
`

/** KEYS record. ARGV sid, lastSeenAt, expiresAt. */
const touch = `
local record = load(KEYS[1])
if record == 'damaged' then return redis.error_reply('DAMAGED record') end
if not record or record.mark ~= '-' then return 0 end
local seen, over = record.lastSeenAt, record.expiresAt
if tonumber(ARGV[2]) > tonumber(seen) then record.lastSeenAt = ARGV[2] end
if tonumber(ARGV[3]) > tonumber(over) then record.expiresAt = ARGV[3] end
if record.lastSeenAt == seen and record.expiresAt == over then return 0 end
local base, ms = baseOf(KEYS[1]), life(record.lastSeenAt, record.expiresAt)
if record.user ~= '-' then outlive(userKey(base, record), ms) end
put(KEYS[1], record, string.sub(record.text, record.at), ms)
tell(ARGV[1])
return 1
`

/** KEYS record, tag. ARGV sid, mark, at, keepUntil. */
const end = `
local record = load(KEYS[1])
if record == 'damaged' then return redis.error_reply('DAMAGED record') end
if not record or record.mark ~= '-' then return false end
local base = baseOf(KEYS[1])
redis.call('HLEN', KEYS[2])
finish(base, ARGV[1], record, ARGV[2], ARGV[3], ARGV[4])
tell(ARGV[1])
return record.text
`

/** KEYS user, tag. ARGV mark, at, keepUntil, except or ''. Answers with the records as they were, and the sids without a record. */
const endUser = `
local base = baseOf(KEYS[1])
local found, missing = living(base, KEYS[1])
local ended = {}
local generation = whole(redis.call('HINCRBY', KEYS[2], 'n', 1))
redis.call('HSET', KEYS[1], 'g', generation)
outlive(KEYS[1], ${generationMs})
for _, record in ipairs(found) do
  if record.sid ~= ARGV[4] and isOf(KEYS[1], base, record) then
    finish(base, record.sid, record, ARGV[1], ARGV[2], ARGV[3])
    tell(record.sid)
    table.insert(ended, record.sid)
    table.insert(ended, record.text)
  end
end
forget(KEYS[1], missing)
return { ended, missing }
`

/** KEYS tag. ARGV mark, at, keepUntil. Answers with how many ended, and the sids without a record. */
const endTag = `
local base = baseOf(KEYS[1])
local found, missing = living(base, KEYS[1])
redis.call('HSET', KEYS[1], 'f', whole(redis.call('HINCRBY', KEYS[1], 'n', 1)))
for _, record in ipairs(found) do finish(base, record.sid, record, ARGV[1], ARGV[2], ARGV[3]) end
forget(KEYS[1], missing)
if #found > 0 then tell('*') end
return { #found, missing }
`

/** KEYS user, tag. */
const generation = `
return whole(generationOf(KEYS[2], KEYS[1]))
`

/** KEYS user. */
const list = `
local base, answer = baseOf(KEYS[1]), {}
for _, record in ipairs((living(base, KEYS[1]))) do
  if isOf(KEYS[1], base, record) then
    table.insert(answer, record.sid)
    table.insert(answer, record.text)
  end
end
return answer
`

/*
 * For the directory. Each takes as many tags as lie on the node, and answers in their order.
 */

/** KEYS tags. How many entries the index of each has. */
const sizes = `
local answer = {}
for i, tag in ipairs(KEYS) do answer[i] = redis.call('HLEN', tag) end
return answer
`

/** KEYS tags. The sids in the index of each. */
const sids = `
local answer = {}
for i, tag in ipairs(KEYS) do
  answer[i] = {}
  for _, sid in ipairs(redis.call('HKEYS', tag)) do
    if #sid == 22 then table.insert(answer[i], sid) end
  end
end
return answer
`

/** KEYS tags. How many records of each are there. */
const countTags = `
local answer = {}
for i, tag in ipairs(KEYS) do
  local base, count = baseOf(tag), 0
  for _, sid in ipairs(redis.call('HKEYS', tag)) do
    if #sid == 22 and redis.call('EXISTS', base .. 'r:' .. sid) == 1 then count = count + 1 end
  end
  answer[i] = count
end
return answer
`

/** KEYS tags. ARGV how many entries of each are picked. Those of them that are there: sid and record in turn. */
const pick = `
local answer = {}
for i, tag in ipairs(KEYS) do
  local base = baseOf(tag)
  for _, sid in ipairs(redis.call('HRANDFIELD', tag, ARGV[i])) do
    local text = #sid == 22 and redis.pcall('GET', base .. 'r:' .. sid)
    if type(text) == 'string' then
      table.insert(answer, sid)
      table.insert(answer, text)
    end
  end
end
return answer
`

/**
 * The scripts, which tell every change on the channel, each with what it needs of the shared part.
 *
 * In a cluster a message goes to every node, so it is sent only when somebody listens: whoever follows listens on each.
 *
 * `allow-oom`: ending sessions works when memory is full, for it only frees some; a script without it is refused as a whole
 * then, before its first write.
 */
export function scriptsThatTell(channel: string, where: 'server' | 'cluster'): Scripts {
  const tell = `redis.call('PUBLISH', ${quoted(channel)}, sid)`
  const telling =
    where === 'server' ? tell : `if redis.call('PUBSUB', 'NUMSUB', ${quoted(channel)})[2] > 0 then ${tell} end`
  // In a cluster they may be on another node, and are needed when they are asked for again.
  const forgetting = where === 'server' ? `for _, sid in ipairs(sids) do redis.call('HDEL', index, sid) end` : ''
  const make = (flags: string, text: string): Script => {
    const own = `local function tell(sid) ${telling} end\nlocal function forget(index, sids) ${forgetting} end`
    const script = `#!lua${flags && ` flags=${flags}`}\n${own}${shared}${text}`
    return { text: script, sha: hash('sha1', script, 'hex') }
  }
  return {
    create: make('', create),
    save: make('', save),
    touch: make('allow-oom', touch),
    end: make('allow-oom', end),
    endUser: make('allow-oom', endUser),
    endTag: make('allow-oom', endTag),
    generation: make('no-writes', generation),
    list: make('no-writes', list),
    sizes: make('no-writes', sizes),
    sids: make('no-writes', sids),
    countTags: make('no-writes', countTags),
    pick: make('no-writes', pick),
  }
}

/** A text as Lua writes it. */
function quoted(text: string): string {
  return `"${[...Buffer.from(text)].map(byte => `\\${String(byte).padStart(3, '0')}`).join('')}"`
}
