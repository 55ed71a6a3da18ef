"""The writes about models as Lua scripts: budgets, breakers, tallies. See `executor.store.scripts` for the rules."""

_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
"""

_KINDS = """
local kinds = {'calls', 'tokens', 'cost', 'ms'}
"""

# KEYS: for each account what was spent and what is held
# ARGV: mark, ms after which what is held counts as spent, the four amounts, four limits or '' for each account, the
# lifetime of each account in ms
# Returns {0, granted ms, 0, 0, 0}, or {1 never or 2 later, account, kind, spent, held}, both from 1.
HOLD = (
    _NOW
    + _KINDS
    + """
local accounts = #KEYS / 2
local need = {tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])}
local granted, verdict, lapsed = need[4], nil, {}
for a = 1, accounts do
  local spent, held = {}, {0, 0, 0, 0}
  local known = redis.call('HMGET', KEYS[2 * a - 1], unpack(kinds))
  for k = 1, 4 do spent[k] = tonumber(known[k] or '0') end
  local rows = redis.call('HGETALL', KEYS[2 * a])
  for i = 1, #rows, 2 do
    local row = cjson.decode(rows[i + 1])
    if rows[i] == ARGV[1] then return {0, row[5], 0, 0, 0} end
    local over = row[1] <= now
    if over then lapsed[#lapsed + 1] = {a, rows[i], row} end
    for k = 1, 4 do
      if over then spent[k] = spent[k] + row[k + 1] else held[k] = held[k] + row[k + 1] end
    end
  end
  for k = 1, 4 do
    local limit = tonumber(ARGV[6 + 4 * (a - 1) + k])
    if limit then
      local least = need[k]
      if k == 4 then least = math.min(need[4], 1000) end
      local code = nil
      if spent[k] + least > limit then code = 1 elseif spent[k] + held[k] + least > limit then code = 2 end
      if code and (not verdict or code < verdict[1]) then verdict = {code, a, k, spent[k], held[k]} end
      if k == 4 then granted = math.min(granted, limit - spent[4] - held[4]) end
    end
  end
end
for _, each in ipairs(lapsed) do
  local a, row = each[1], each[3]
  for k = 1, 4 do redis.call('HINCRBY', KEYS[2 * a - 1], kinds[k], whole(row[k + 1])) end
  redis.call('HDEL', KEYS[2 * a], each[2])
end
if verdict then return verdict end
for a = 1, accounts do
  local row = cjson.encode({now + tonumber(ARGV[2]), need[1], need[2], need[3], granted})
  redis.call('HSET', KEYS[2 * a], ARGV[1], row)
  for _, key in ipairs({KEYS[2 * a - 1], KEYS[2 * a]}) do redis.call('PEXPIRE', key, ARGV[6 + 4 * accounts + a]) end
end
return {0, granted, 0, 0, 0}
"""
)

# KEYS: for each account what was spent and what is held
# ARGV: mark, the four amounts, tokens of the prompt, tokens of the answer, the lifetime of each account in ms
# What is not held any more was counted already: by this write, sent again, or at its worst. Returns how many were.
SETTLE = """
local fields = {'calls', 'tokens', 'cost', 'ms', 'prompt_tokens', 'answer_tokens'}
local settled = 0
for a = 1, #KEYS / 2 do
  redis.call('HGET', KEYS[2 * a - 1], 'calls')
  if redis.call('HDEL', KEYS[2 * a], ARGV[1]) == 1 then
    settled = settled + 1
    for f = 1, 6 do
      if ARGV[1 + f] ~= '0' then redis.call('HINCRBY', KEYS[2 * a - 1], fields[f], ARGV[1 + f]) end
    end
    redis.call('PEXPIRE', KEYS[2 * a - 1], ARGV[7 + a])
  end
end
return {settled}
"""

# What the scripts of breakers have in common. KEYS: breaker, health
_BREAKER = (
    _NOW
    + """
local known = redis.call('HMGET', KEYS[1], 'until', 'rests', 'probe', 'probe_until', 'failures', 'by')
local till, rests, probe = tonumber(known[1]), known[2] == '1', known[3]
local probe_until, failures, by = tonumber(known[4] or '0'), tonumber(known[5] or '0'), known[6]
redis.call('HGET', KEYS[2], 'at')
if rests and till and till <= now then till, rests = nil, false end
"""
)

# ARGV: mark, ms that a probe may take
# Returns {code, ms to wait}: 0 pass, 1 pass as the probe, 2 open, 3 a probe is under way, 4 the server asked for rest.
BREAKER_ADMIT = (
    _BREAKER
    + """
if not till then return {0, 0} end
if rests then return {4, till - now} end
if probe == ARGV[1] then return {1, 0} end
if till > now then return {2, till - now} end
if probe and probe_until > now then return {3, probe_until - now} end
redis.call('HSET', KEYS[1], 'probe', ARGV[1], 'probe_until', whole(now + tonumber(ARGV[2])))
return {1, 0}
"""
)

# ARGV: mark, failures in a row that open it, ms that it stays open, ms that the server asked for or 0, why
# A failure that is told again, and one of a call from before it opened, change nothing but the count.
BREAKER_FAILED = (
    _BREAKER
    + """
if by == ARGV[1] then return {0} end
local asked = tonumber(ARGV[4])
local opens = probe == ARGV[1] or ((not till or rests) and failures + 1 >= tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'failures', whole(failures + 1), 'by', ARGV[1], 'why', ARGV[5])
if opens then
  redis.call('HSET', KEYS[1], 'until', whole(now + math.max(tonumber(ARGV[3]), asked)), 'rests', '0')
  redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
elseif asked > 0 and (not till or rests) then
  redis.call('HSET', KEYS[1], 'until', whole(math.max(till or 0, now + asked)), 'rests', '1')
end
return {1}
"""
)

# ARGV: mark
# An answer to a call from before it opened closes nothing: only the probe does.
BREAKER_WORKED = (
    _BREAKER
    + """
redis.call('HSET', KEYS[2], 'at', whole(now), 'answers', '1', 'why', '')
if till and not rests and probe ~= ARGV[1] then return {0} end
redis.call('HDEL', KEYS[1], 'failures', 'by', 'why')
if not rests then redis.call('HDEL', KEYS[1], 'until', 'rests', 'probe', 'probe_until') end
return {1}
"""
)

# ARGV: mark
BREAKER_LEAVE = (
    _BREAKER
    + """
if probe == ARGV[1] then redis.call('HDEL', KEYS[1], 'probe', 'probe_until') end
return {1}
"""
)

# Returns {0 closed, 1 half open, 2 open, 3 rests, ms to wait, failures in a row, why, health: ms of age or -1, answers}
BREAKER_STATE = (
    _BREAKER
    + """
local health = redis.call('HMGET', KEYS[2], 'at', 'answers', 'why')
local why = redis.call('HGET', KEYS[1], 'why') or ''
local code, wait = 0, 0
if till and rests then code, wait = 3, till - now
elseif till and till > now then code, wait = 2, till - now
elseif till then code = 1 end
local age = -1
if health[1] then age = now - tonumber(health[1]) end
return {code, wait, failures, why, age, health[2] or '', health[3] or ''}
"""
)

# ARGV: mark, ms after which a look is old, ms that a look may take
# Returns {1} to whoever is to look, {0} where somebody has or is about to.
HEALTH_DUE = (
    _BREAKER
    + """
local health = redis.call('HMGET', KEYS[2], 'at', 'looks', 'looks_until')
if health[2] == ARGV[1] then return {1} end
if health[1] and tonumber(health[1]) + tonumber(ARGV[2]) > now then return {0} end
if health[2] and tonumber(health[3]) > now then return {0} end
redis.call('HSET', KEYS[2], 'looks', ARGV[1], 'looks_until', whole(now + tonumber(ARGV[3])))
return {1}
"""
)

# ARGV: '1' or '0' whether it answers, why not
HEALTH_SEEN = (
    _BREAKER
    + """
redis.call('HSET', KEYS[2], 'at', whole(now), 'answers', ARGV[1], 'why', ARGV[2])
redis.call('HDEL', KEYS[2], 'looks', 'looks_until')
return {1}
"""
)

# KEYS: models, tally, latest   ARGV: digest, name, mark, '1' where it went well, ms, tokens of the prompt, of the
# answer, cost, how many of the latest are kept
TALLY = (
    _NOW
    + """
redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HGET', KEYS[2], 'calls')
for _, row in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
  if string.sub(row, 1, #ARGV[3]) == ARGV[3] then return {0} end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[2], 'calls', 1)
if ARGV[4] == '1' then redis.call('HINCRBY', KEYS[2], 'well', 1) end
redis.call('HINCRBY', KEYS[2], 'ms', ARGV[5])
redis.call('HINCRBY', KEYS[2], 'prompt_tokens', ARGV[6])
redis.call('HINCRBY', KEYS[2], 'answer_tokens', ARGV[7])
redis.call('HINCRBY', KEYS[2], 'cost', ARGV[8])
redis.call('HSET', KEYS[2], 'last', whole(now))
redis.call('LPUSH', KEYS[3], ARGV[3] .. ARGV[4] .. ARGV[5])
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[9]) - 1)
return {1}
"""
)
