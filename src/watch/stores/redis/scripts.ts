import { hash } from 'node:crypto'

/** A Lua script, which Redis runs as one atomic step. */
export interface Script {
  readonly text: string
  /** By which a node knows it that has seen it before. */
  readonly sha: string
}

/** Keys stay this much longer than what is in them: clocks differ, and only garbage may depend on the server's. */
const marginMs = 5 * 60_000

/*
 * Each script has one key, so that all of it runs on one node of a cluster, and reads no clock. Numbers come and go as
 * texts, because Lua would write an instant as 1.7e+12; in the value they are MessagePack's, which are exact.
 */
const shared = `
local function exact(number)
  return string.format('%.17g', number)
end

local function put(value, ms)
  redis.call('SET', KEYS[1], cmsgpack.pack(value), 'PX', string.format('%.0f', math.min(math.max(ms, 0) + ${marginMs}, 8e12)))
end

local function get()
  local text = redis.call('GET', KEYS[1])
  return text and cmsgpack.unpack(text)
end
`

/** KEYS window. ARGV member, at, windowMs, most, for each sighting. The window is a list of member, first and last in their order. */
const see = `
local window = get() or {}
local answers = {}
local life = 0
for i = 1, #ARGV, 4 do
  local member, at, windowMs, most = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local now, kept = { member, at, at }, {}
  for _, seen in ipairs(window) do
    if seen[3] >= at - windowMs then
      if seen[1] == member then now = { member, math.min(seen[2], at), math.max(seen[3], at) }
      else table.insert(kept, seen) end
    end
  end
  -- Behind those of the same instant: who is seen now is kept before them.
  local place = #kept + 1
  while place > 1 and kept[place - 1][3] > now[3] do place = place - 1 end
  table.insert(kept, place, now)
  while #kept > most do table.remove(kept, 1) end
  window = kept
  life = math.max(windowMs, kept[#kept][3] - at + windowMs)
  local answer = {}
  for _, seen in ipairs(window) do
    table.insert(answer, seen[1])
    table.insert(answer, exact(seen[2]))
    table.insert(answer, exact(seen[3]))
  end
  table.insert(answers, answer)
end
put(window, life)
return answers
`

/** KEYS counter. ARGV by, at, forgetAfterMs, for each count. The counter is what it is, and when it was added to. */
const tally = `
local counter = get()
local answers = {}
local life = nil
for i = 1, #ARGV, 3 do
  local by, at, forgetAfterMs = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local before = 0
  if counter and at - counter[2] < forgetAfterMs then before = counter[1] end
  table.insert(answers, exact(before))
  if by > 0 then
    counter = { before + by, math.max(counter and counter[2] or at, at) }
    life = counter[2] - at + forgetAfterMs
  end
end
if life then put(counter, life) end
return answers
`

/** The scripts, each with what it needs of the shared part. */
export const scripts: { readonly see: Script; readonly tally: Script } = { see: scriptOf(see), tally: scriptOf(tally) }

function scriptOf(own: string): Script {
  const text = `${shared}${own}`
  return { text, sha: hash('sha1', text, 'hex') }
}
