"""The writes of runs, as Lua scripts; see `scripts` for the rules that hold for all of them.

`started` is a hash that holds for each step that is under way who carries it out, a mark of its own for each time; the
claim is a string that lives only as long as its holder extends it. So a step that is started and has no claim has lost
its runner. A step is done once: its commit is refused unless `started` still names the one who commits.

What is sent again is told by its mark: the last mark of each writer is kept with the run.
"""

# KEYS: run, events, all runs, open runs   ARGV: id, record, mark, event
# Returns 1, or 0 where there is a run with this id, which another has begun.
CREATE = """
local known = redis.call('HGET', KEYS[1], 'mark')
redis.call('ZCARD', KEYS[3])
redis.call('ZCARD', KEYS[4])
redis.call('XLEN', KEYS[2])
if known then return known == ARGV[3] and 1 or 0 end
local clock = redis.call('TIME')
local now = clock[1] .. string.format('%06d', clock[2])
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'mark', ARGV[3], 'commits', '0', 'state', 'created')
redis.call('XADD', KEYS[2], '*', 'e', ARGV[4])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZADD', KEYS[4], now, ARGV[1])
return 1
"""

# KEYS: run, events, lease, all runs, open runs, started, committed, places
# ARGV: id, holder of the lease or '', mark, event, state of the run or '', '1' where it has ended, ms to keep it or 0
# Returns 1, 0 where the lease is another's, -1 where there is no such run.
APPEND = """
local known = redis.call('HMGET', KEYS[1], 'mark', 'last:' .. ARGV[2], 'record')
local holder = redis.call('GET', KEYS[3])
redis.call('XLEN', KEYS[2])
if not known[3] then return -1 end
if known[2] == ARGV[3] then return 1 end
if ARGV[2] ~= '' and holder ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'last:' .. ARGV[2], ARGV[3])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'holder', ARGV[2]) end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'state', ARGV[5]) end
if ARGV[6] == '1' then
  redis.call('ZREM', KEYS[5], ARGV[1])
  redis.call('DEL', KEYS[6], KEYS[7], KEYS[8])
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local kind = string.sub(field, 1, 5)
    if kind == 'gave:' or (kind == 'last:' and field ~= 'last:' .. ARGV[2]) then redis.call('HDEL', KEYS[1], field) end
  end
  if ARGV[7] ~= '0' then
    redis.call('PEXPIRE', KEYS[1], ARGV[7])
    redis.call('PEXPIRE', KEYS[2], ARGV[7])
  end
else
  local clock = redis.call('TIME')
  redis.call('ZADD', KEYS[5], 'NX', clock[1] .. string.format('%06d', clock[2]), ARGV[1])
  for _, i in ipairs({1, 2, 6, 7, 8}) do
    if ARGV[7] ~= '0' then redis.call('PEXPIRE', KEYS[i], ARGV[7]) else redis.call('PERSIST', KEYS[i]) end
  end
end
return 1
"""

# KEYS: run, events, started, committed, claim
# ARGV: step, mark, ms to live, event, '1' where it may be done again, the driver for which it is or ''
# Returns 'claimed' and the number of commits so far, or why not: 'gone' (no such run, or it has ended), 'lost' (another
# drives it), 'cancelled', 'closed' (no step of this plan is to be begun but by the driver), 'done', 'taken', 'doubt'
# (somebody began it and is gone). Who has begun a step sends his claim again, and it may have lapsed meanwhile.
CLAIM = """
local run = redis.call('HMGET', KEYS[1], 'record', 'cancel', 'commits', 'state', 'holder', 'closed')
local by = redis.call('HGET', KEYS[3], ARGV[1])
local done = redis.call('HEXISTS', KEYS[4], ARGV[1])
local holder = redis.call('GET', KEYS[5])
redis.call('XLEN', KEYS[2])
if not run[1] then return {'gone'} end
local plan = tonumber(string.match(ARGV[1], '^%d+'))
local closed = ARGV[6] == '' and run[6] and plan and plan <= tonumber(run[6])
if run[4] == 'done' or run[4] == 'cancelled' then return {closed and 'closed' or 'gone'} end
if by == ARGV[2] and (not holder or holder == ARGV[2]) then
  redis.call('SET', KEYS[5], ARGV[2], 'PX', ARGV[3])
  return {'claimed', run[3]}
end
if ARGV[6] ~= '' and run[5] and run[5] ~= ARGV[6] then return {'lost'} end
if done == 1 then return {'done'} end
if run[2] then return {'cancelled'} end
if closed then return {'closed'} end
if holder then return {'taken'} end
if by and ARGV[5] ~= '1' then return {'doubt'} end
if by then
  local gone = '{"kind":"release","step":"' .. ARGV[1] .. '","detail":"its runner was gone"}'
  redis.call('XADD', KEYS[2], '*', 'e', gone)
end
redis.call('SET', KEYS[5], ARGV[2], 'PX', ARGV[3])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'e', ARGV[4])
return {'claimed', run[3]}
"""

# KEYS: run, events, started, committed, claim, places
# ARGV: step, mark, event, number of commits that the step began after, how many places it writes, places that it
# writes..., places that it only reads...
# Writes only where nobody has written what it read or writes since it began. A place is a variable, or a variable and
# a key behind a space; who writes an entry leaves a trace at "variable *", too, for who writes or reads the whole.
# Returns 'done', 'refused' (it is another's by now), or 'conflict' with the place.
COMMIT = """
local mine = redis.call('HGET', KEYS[3], ARGV[1])
local done = redis.call('HGET', KEYS[4], ARGV[1])
local holder = redis.call('GET', KEYS[5])
local commits = redis.call('HGET', KEYS[1], 'commits')
redis.call('HLEN', KEYS[6])
redis.call('XLEN', KEYS[2])
if done == ARGV[2] then return {'done'} end
if done or mine ~= ARGV[2] or not commits then return {'refused'} end
local base, writes = tonumber(ARGV[4]), tonumber(ARGV[5])
local function later(place)
  local last = redis.call('HGET', KEYS[6], place)
  return last and tonumber(last) > base
end
for i = 6, #ARGV do
  local place = ARGV[i]
  local space = string.find(place, ' ', 1, true)
  local around = space and string.sub(place, 1, space - 1) or (place .. ' *')
  if later(place) or later(around) then return {'conflict', place} end
end
local number = string.format('%.0f', tonumber(commits) + 1)
redis.call('HSET', KEYS[1], 'commits', number)
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
for i = 6, 5 + writes do
  local place = ARGV[i]
  local space = string.find(place, ' ', 1, true)
  redis.call('HSET', KEYS[6], place, number)
  if space then redis.call('HSET', KEYS[6], string.sub(place, 1, space - 1) .. ' *', number) end
end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[1])
if holder == ARGV[2] then redis.call('DEL', KEYS[5]) end
return {'done'}
"""

# KEYS: run, events, started, claim   ARGV: step, mark, event
# Ends an attempt that did not come to something. Returns 1, or 0 where the step is another's by now.
GIVE_UP = """
local by = redis.call('HGET', KEYS[3], ARGV[1])
local holder = redis.call('GET', KEYS[4])
local last = redis.call('HGET', KEYS[1], 'gave:' .. ARGV[1])
redis.call('XLEN', KEYS[2])
if last == ARGV[2] then return 1 end
if by ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'gave:' .. ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'e', ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[1])
if holder == ARGV[2] then redis.call('DEL', KEYS[4]) end
return 1
"""

# KEYS: run, events, started, claim   ARGV: step, who began it, event
# Ends an attempt whose runner is gone. Returns 1, or 0 where it is not gone, or has ended meanwhile.
BURY = """
local by = redis.call('HGET', KEYS[3], ARGV[1])
local holder = redis.call('GET', KEYS[4])
redis.call('XLEN', KEYS[2])
if by ~= ARGV[2] or holder then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[3])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
"""

# KEYS: run, events   ARGV: step, event
# Tells of a step that somebody does not begin, as long as it could be begun. Returns whether that was told.
REFUSE = """
local run = redis.call('HMGET', KEYS[1], 'record', 'closed')
local plan = tonumber(string.match(ARGV[1], '^%d+'))
redis.call('XLEN', KEYS[2])
if not run[1] or (run[2] and plan and plan <= tonumber(run[2])) then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
return 1
"""

# KEYS: run, lease   ARGV: holder of the lease, number of a plan
# Lets no step be begun of this plan and those before it. Returns 1, or 0 where the lease is another's.
CLOSE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'closed', ARGV[2])
return 1
"""

# KEYS: run, lease   ARGV: holder, ms to live
# Keeps the lease of a driver, or takes it anew where it has lapsed and nobody else has written under it since. Returns
# 1, or 0 where another drives the run, or has driven it.
KEEP = """
local now = redis.call('GET', KEYS[2])
local last = redis.call('HGET', KEYS[1], 'holder')
if now and now ~= ARGV[1] then return 0 end
if not now and last and last ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: run, claims...   ARGV: ms to live, marks...
# Lets claims live on whose holder still has them. Returns '1' where the run is to be cancelled, else '0', then for
# each claim whether it lives.
BEAT = """
local answer = {redis.call('HEXISTS', KEYS[1], 'cancel')}
for i = 2, #KEYS do
  local mine = redis.call('GET', KEYS[i]) == ARGV[i]
  if mine then redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
  answer[#answer + 1] = mine and 1 or 0
end
return answer
"""

# KEYS: run, events   ARGV: mark, event, the cancel flag's text
# Returns 1, 0 where it was asked for already, -1 where there is no such run.
CANCEL = """
local known = redis.call('HMGET', KEYS[1], 'record', 'cancel', 'cancel:mark')
redis.call('XLEN', KEYS[2])
if not known[1] then return -1 end
if known[2] then return known[3] == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'cancel', ARGV[3], 'cancel:mark', ARGV[1])
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
return 1
"""
