"""The writes and reads that concern several keys, as Lua scripts: each happens as a whole.

The server runs a script without running anything else in between, and writes all its changes to
the append-only file as one transaction. What it does not do is undo: a script that fails halfway
leaves the changes that it made. Therefore every script reads all its keys first, with commands
that fail on a key of the wrong kind, and only then writes; and a server that is out of memory, out
of disk or read-only refuses the first write.

Every write carries a mark of its own. When the connection breaks, nobody knows whether the write
happened; it is sent again with the same mark, and a mark that is already there is not written
twice.
"""

_SEEN_BEFORE = """
local function seen(key, mark)
  local records = redis.call('LRANGE', key, -50, -1)
  for _, record in ipairs(records) do
    if string.sub(record, 1, #mark) == mark then return true end
  end
  return false
end
"""

# An event stands behind the mark of its write and the time of it, thirteen digits.
_TELL = """
local function tell(key, mark, event)
  if event == '' then return end
  local clock = redis.call('TIME')
  local moment = clock[1] * 1000 + math.floor(clock[2] / 1000)
  redis.call('RPUSH', key, mark .. string.format('%013.0f', moment) .. event)
end
local function lists(versions, version)
  for _, each in ipairs(versions) do
    if each == version then return true end
  end
  return false
end
"""
WITH_EVENT = _SEEN_BEFORE + _TELL  # what a script begins with that appends an event, for the scripts of other modules

# The names of a domain stand in the order in which their current version changed last, counted from 1.
_MOVES = """
local function last_move(key)
  return tonumber(redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2] or '0')
end
local function point(current, moves, last, name, version)
  redis.call('HSET', current, name, version)
  redis.call('ZADD', moves, string.format('%.0f', last + 1), name)
end
"""

# What scripts begin with that write once and tell of it.
BEGINNING = _SEEN_BEFORE + _TELL

# KEYS: domains, current, versions, entry, evidence, history, pinned, lease, undeclared, moves, sets of dependents...
# ARGV: domain, name, version, document, trust, mark, event, holder of the lease or '', '1' to make it current,
# '1' for a name that nobody declared, the trust that it has so far or '*' for any, evidence...
# Where another version is pinned, or ARGV[9] is not '1', the version becomes one of the name's and is not current.
# One that broke its contract keeps its trust and does not become current: nothing but a person brings it back.
# Returns 1 admitted, 0 the name had the version already, -1 the version has another document, -2 the lease has lapsed,
# -3 the version has another trust than ARGV[11].
ADMIT = (
    _SEEN_BEFORE
    + _TELL
    + _MOVES
    + """
local known = redis.call('HMGET', KEYS[4], 'document', 'by', 'trust', 'broke')
local document, by, trust, broke = known[1], known[2], known[3] or '', known[4]
local versions = redis.call('LRANGE', KEYS[3], 0, -1)
local repeated = seen(KEYS[5], ARGV[6]) or seen(KEYS[6], ARGV[6])
local pinned = redis.call('HGET', KEYS[7], ARGV[2])
local holder = redis.call('GET', KEYS[8])
redis.call('HGET', KEYS[2], ARGV[2])
redis.call('SISMEMBER', KEYS[1], ARGV[1])
redis.call('SISMEMBER', KEYS[9], ARGV[2])
local last = last_move(KEYS[10])
for i = 11, #KEYS do redis.call('SISMEMBER', KEYS[i], ARGV[3]) end
if document and document ~= ARGV[4] then return -1 end
if repeated or by == ARGV[6] then return 1 end
if ARGV[8] ~= '' and holder ~= ARGV[8] then return -2 end
if ARGV[11] ~= '*' and trust ~= ARGV[11] then return -3 end
local listed = lists(versions, ARGV[3])
if not document then
  redis.call('HSET', KEYS[4], 'document', ARGV[4], 'by', ARGV[6], 'of', ARGV[1] .. ':' .. ARGV[2])
end
if not broke then redis.call('HSET', KEYS[4], 'trust', ARGV[5]) end
for i = 12, #ARGV do redis.call('RPUSH', KEYS[5], ARGV[6] .. ARGV[i]) end
if not listed then redis.call('RPUSH', KEYS[3], ARGV[3]) end
if (ARGV[9] == '1' and not pinned and not broke) or #versions == 0 then
  point(KEYS[2], KEYS[10], last, ARGV[2], ARGV[3])
end
for i = 11, #KEYS do redis.call('SADD', KEYS[i], ARGV[3]) end
if ARGV[10] == '1' then redis.call('SADD', KEYS[9], ARGV[2]) end
tell(KEYS[6], ARGV[6], ARGV[7])
redis.call('SADD', KEYS[1], ARGV[1])
if listed then return 0 end
return 1
"""
)

# KEYS: entry, evidence, history   ARGV: mark, record, trust or '', event or ''
# Returns 1, or 0 when there is no such entry.
RECORD = (
    _SEEN_BEFORE
    + _TELL
    + """
local repeated = seen(KEYS[2], ARGV[1])
redis.call('LLEN', KEYS[3])
if redis.call('HEXISTS', KEYS[1], 'document') == 0 then return 0 end
if not repeated then
  redis.call('RPUSH', KEYS[2], ARGV[1] .. ARGV[2])
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'trust', ARGV[3]) end
  tell(KEYS[3], ARGV[1], ARGV[4])
end
return 1
"""
)

# KEYS: current, versions, history, pinned, moves
# ARGV: name, version, expected or '', '1' when sent again, mark, event or ''
# Returns 1 moved, 0 the pointer was not where it was expected, -1 the name has no such version, -2 another is pinned.
POINT = (
    _SEEN_BEFORE
    + _TELL
    + _MOVES
    + """
local current = redis.call('HGET', KEYS[1], ARGV[1])
local versions = redis.call('LRANGE', KEYS[2], 0, -1)
local repeated = seen(KEYS[3], ARGV[5])
local pinned = redis.call('HGET', KEYS[4], ARGV[1])
local last = last_move(KEYS[5])
if not lists(versions, ARGV[2]) then return -1 end
if repeated or (ARGV[4] == '1' and current == ARGV[2]) then return 1 end
if pinned and pinned ~= ARGV[2] then return -2 end
if (current or '') ~= ARGV[3] then return 0 end
point(KEYS[1], KEYS[5], last, ARGV[1], ARGV[2])
tell(KEYS[3], ARGV[5], ARGV[6])
return 1
"""
)

# KEYS: current, versions, history, pinned, entry, moves   ARGV: name, version, level of trust, mark, event
# Returns 1 pinned, 0 it was already, -1 the name has no such version, -2 another is pinned.
PIN = (
    _SEEN_BEFORE
    + _TELL
    + _MOVES
    + """
local versions = redis.call('LRANGE', KEYS[2], 0, -1)
local repeated = seen(KEYS[3], ARGV[4])
local pinned = redis.call('HGET', KEYS[4], ARGV[1])
local trust = redis.call('HGET', KEYS[5], 'trust')
redis.call('HGET', KEYS[1], ARGV[1])
local last = last_move(KEYS[6])
if repeated then return 1 end
if not lists(versions, ARGV[2]) then return -1 end
if pinned and pinned ~= ARGV[2] then return -2 end
if pinned and trust == ARGV[3] then return 0 end
redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
point(KEYS[1], KEYS[6], last, ARGV[1], ARGV[2])
if trust ~= ARGV[3] then redis.call('HSET', KEYS[5], 'before', trust or '', 'trust', ARGV[3]) end
tell(KEYS[3], ARGV[4], ARGV[5])
return 1
"""
)

# KEYS: history, pinned, entry   ARGV: name, version, level of trust, mark, event
# The level of trust goes back to what it was, unless something else has changed it. Returns 1, or 0 it was not pinned.
UNPIN = (
    _SEEN_BEFORE
    + _TELL
    + """
local repeated = seen(KEYS[1], ARGV[4])
local pinned = redis.call('HGET', KEYS[2], ARGV[1])
local entry = redis.call('HMGET', KEYS[3], 'trust', 'before')
if repeated then return 1 end
if pinned ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
if entry[1] == ARGV[3] and entry[2] and entry[2] ~= '' then redis.call('HSET', KEYS[3], 'trust', entry[2]) end
redis.call('HDEL', KEYS[3], 'before')
tell(KEYS[1], ARGV[4], ARGV[5])
return 1
"""
)

# KEYS: current   ARGV: what the key of an entry begins with
# Returns name, version, document, trust, name, version, ...
SNAPSHOT = """
local rows = {}
local pointers = redis.call('HGETALL', KEYS[1])
for i = 1, #pointers, 2 do
  local entry = redis.call('HMGET', ARGV[1] .. pointers[i + 1], 'document', 'trust')
  if entry[1] then
    rows[#rows + 1] = pointers[i]
    rows[#rows + 1] = pointers[i + 1]
    rows[#rows + 1] = entry[1]
    rows[#rows + 1] = entry[2] or ''
  end
end
return rows
"""

# KEYS: lease   ARGV: holder, milliseconds to live
# Returns 1 when the holder has the lease, 0 when another has it. Sent again it finds its own.
LEASE_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# KEYS: lease   ARGV: holder, milliseconds to live
# Returns whether the holder still has it.
LEASE_EXTEND = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# KEYS: lease   ARGV: holder
# Returns whether the holder still had it.
LEASE_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""

# KEYS: current, undeclared   ARGV: what the key of an entry begins with, names...
# Returns the same as above, of these names and of those that nobody declared.
LOOK_UP = """
local rows, asked = {}, {}
local function add(name)
  if asked[name] then return end
  asked[name] = true
  local version = redis.call('HGET', KEYS[1], name)
  if not version then return end
  local entry = redis.call('HMGET', ARGV[1] .. version, 'document', 'trust')
  if entry[1] then
    rows[#rows + 1] = name
    rows[#rows + 1] = version
    rows[#rows + 1] = entry[1]
    rows[#rows + 1] = entry[2] or ''
  end
end
for i = 2, #ARGV do add(ARGV[i]) end
for _, name in ipairs(redis.call('SMEMBERS', KEYS[2])) do add(name) end
return rows
"""

# What the scripts of results have in common.
# KEYS: used, kept, ends, sizes, counts, result of one name   ARGV: what the key of a result begins with, name, ...
_RESULTS = """
local used, kept, ends, sizes, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function moment(number) return string.format('%.0f', number) end
local function count(what, by) redis.call('HINCRBY', counts, what, by) end
local function bytes() return tonumber(redis.call('HGET', counts, 'bytes') or '0') end
local function forget(name)
  local size = redis.call('HGET', sizes, name)
  if size then count('bytes', 0 - tonumber(size)) end
  redis.call('DEL', ARGV[1] .. name)
  redis.call('HDEL', sizes, name)
  for _, order in ipairs({used, kept, ends}) do redis.call('ZREM', order, name) end
end
local function sweep()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', moment(now))) do
    forget(name)
    count('expired', 1)
  end
end
"""

# Returns the text, or nil.
RESULT_GET = (
    _RESULTS
    + """
local text = redis.call('GET', KEYS[6])
if text then
  count('hits', 1)
  redis.call('ZADD', used, moment(now), ARGV[2])
  return text
end
count('misses', 1)
return nil
"""
)

# ARGV beside the common ones: text, milliseconds to live, most entries, most bytes
RESULT_PUT = (
    _RESULTS
    + """
sweep()
forget(ARGV[2])
redis.call('SET', KEYS[6], ARGV[3], 'PX', ARGV[4])
redis.call('ZADD', used, moment(now), ARGV[2])
redis.call('ZADD', kept, moment(now), ARGV[2])
redis.call('ZADD', ends, moment(now + tonumber(ARGV[4]) * 1000), ARGV[2])
redis.call('HSET', sizes, ARGV[2], #ARGV[3])
count('bytes', #ARGV[3])
count('kept', 1)
while redis.call('ZCARD', used) > tonumber(ARGV[5]) or bytes() > tonumber(ARGV[6]) do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest then break end
  forget(oldest)
  count('evicted', 1)
end
return 1
"""
)

RESULT_SPOILED = (
    _RESULTS
    + """
forget(ARGV[2])
count('hits', -1)
count('misses', 1)
return 1
"""
)

RESULT_REMOVE = (
    _RESULTS
    + """
forget(ARGV[2])
return 1
"""
)

# ARGV beside the common one: the age in microseconds from which on entries go, or '' for all
# Returns how many went.
RESULTS_CLEAR = (
    _RESULTS
    + """
local last = '+inf'
if ARGV[2] ~= '' then last = moment(now - tonumber(ARGV[2])) end
local names = redis.call('ZRANGEBYSCORE', kept, '-inf', last)
for _, name in ipairs(names) do forget(name) end
if ARGV[2] == '' then redis.call('DEL', used, kept, ends, sizes, counts) end
return #names
"""
)

# Returns entries, bytes, hits, misses, kept, evicted, expired.
RESULTS_COUNT = (
    _RESULTS
    + """
sweep()
local answer = {redis.call('ZCARD', used), bytes()}
for _, what in ipairs({'hits', 'misses', 'kept', 'evicted', 'expired'}) do
  answer[#answer + 1] = tonumber(redis.call('HGET', counts, what) or '0')
end
return answer
"""
)

# KEYS: turns   ARGV: the mark of this request, the most requests in a minute
# Takes a turn and returns 0, or returns the microseconds until the oldest turn is a minute old.
TURN = """
local clock = redis.call('TIME')
local now, minute = clock[1] * 1000000 + clock[2], 60000000
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - minute))
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], 60000)
  return 0
end
return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + minute - now
"""
