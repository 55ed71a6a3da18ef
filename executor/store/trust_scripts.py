"""The scripts that raise and lower the trust in a version: what was seen of its uses, and of what it depends on.

The rules of `scripts` hold here too: a script reads first and then writes, and a mark that is there is not written
twice. The levels of trust are the caller's words; a script compares them and knows no others.
"""

from executor.store.scripts import BEGINNING

# What goes down with a version: those that depend on its name, directly or through others. `back` is a JSON object:
# `high` goes to `low`, `kept` stays and is told of it; what the keys of entries, evidence, histories, sets of
# dependents and sets of inputs begin with; the `record`, the `note` for what stays, and the event that is `told`, with
# {version} in it.
# The sets of dependents are asked anew inside of the script, so nothing that was admitted a moment before is missed.
_PUT_BACK = """
local function dependents(version, name, back)
  local found, met, asked, waiting = {}, {[version] = true}, {[name] = true}, {name}
  local at = 1
  while waiting[at] do
    for _, each in ipairs(redis.call('SMEMBERS', back.dependents .. waiting[at])) do
      if not met[each] then
        met[each] = true
        local entry = redis.call('HMGET', back.entry .. each, 'trust', 'of', 'before')
        redis.call('LLEN', back.evidence .. each)
        redis.call('SCARD', back.tried .. each)
        if entry[2] then redis.call('LLEN', back.history .. entry[2]) end
        found[#found + 1] = {version = each, trust = entry[1], of = entry[2], before = entry[3]}
        if entry[2] and not asked[entry[2]] then
          asked[entry[2]] = true
          waiting[#waiting + 1] = entry[2]
        end
      end
    end
    at = at + 1
  end
  return found
end
local function put_back(found, mark, back)
  for _, each in ipairs(found) do
    local entry, evidence = back.entry .. each.version, back.evidence .. each.version
    if each.trust == back.high then
      redis.call('HSET', entry, 'trust', back.low)
      redis.call('RPUSH', evidence, mark .. back.record)
      if each.of then
        tell(back.history .. each.of, mark, (string.gsub(back.told, '{version}', each.version, 1)))
      end
    elseif each.trust == back.kept then
      if each.before == back.high then redis.call('HSET', entry, 'before', back.low) end
      redis.call('RPUSH', evidence, mark .. back.note)
    end
    redis.call('DEL', back.tried .. each.version)
  end
end
"""

# An input is kept behind its hash, 64 characters; the one that is there already goes.
_KEEP = """
local function keep(key, hash, text, most)
  for _, each in ipairs(redis.call('LRANGE', key, 0, -1)) do
    if string.sub(each, 1, 64) == hash then redis.call('LREM', key, 0, each) end
  end
  redis.call('RPUSH', key, hash .. text)
  redis.call('LTRIM', key, 0 - most, -1)
end
"""

# KEYS: entry, inputs, tried, evidence   ARGV: mark, input or '', the most inputs, hash of the input or '', how many
# different inputs make a promotion, from which level, to which, record, event, how many records the evidence had when
# it was found good enough or '' when it was not, what the keys of histories begin with, '1' for a use that was counted
# Returns 3 counted, and enough for a promotion if the evidence allows it; 2 promoted, 1 counted, 0 no such entry.
USED = (
    BEGINNING
    + """
redis.call('LLEN', KEYS[2])
local enough, tried = tonumber(ARGV[5]), redis.call('SCARD', KEYS[3])
local records = redis.call('LLEN', KEYS[4])
local entry = redis.call('HMGET', KEYS[1], 'document', 'trust', 'broke', 'of')
if not entry[1] then return 0 end
if entry[4] then redis.call('LLEN', ARGV[11] .. entry[4]) end
if seen(KEYS[4], ARGV[1]) then return 2 end
if ARGV[12] ~= '1' then redis.call('HINCRBY', KEYS[1], 'uses', 1) end
if ARGV[12] ~= '1' and ARGV[2] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[2])
  redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[3]) - 1)
end
if entry[2] ~= ARGV[6] or entry[3] or ARGV[4] == '' then return 1 end
if tried < enough then tried = tried + redis.call('SADD', KEYS[3], ARGV[4]) end
if tried < enough then return 1 end
if records ~= tonumber(ARGV[10]) then return 3 end
redis.call('HSET', KEYS[1], 'trust', ARGV[7])
redis.call('RPUSH', KEYS[4], ARGV[1] .. ARGV[8])
if entry[4] then tell(ARGV[11] .. entry[4], ARGV[1], ARGV[9]) end
redis.call('DEL', KEYS[3])
return 2
"""
)

# KEYS: entry, evidence, history, counterexamples, tried   ARGV: mark, version, domain:name, level of trust, the level
# that stays, record, event, counterexample or '', its hash, the most counterexamples, `back` as above
# Returns 1, or 0 when there is no such entry.
DEMOTE = (
    BEGINNING
    + _PUT_BACK
    + _KEEP
    + """
local back = cjson.decode(ARGV[11])
local repeated = seen(KEYS[2], ARGV[1])
redis.call('LLEN', KEYS[3])
redis.call('LLEN', KEYS[4])
redis.call('SCARD', KEYS[5])
local entry = redis.call('HMGET', KEYS[1], 'document', 'trust')
local found = dependents(ARGV[2], ARGV[3], back)
if not entry[1] then return 0 end
if repeated then return 1 end
redis.call('HSET', KEYS[1], 'broke', '1')
if entry[2] ~= ARGV[5] then redis.call('HSET', KEYS[1], 'trust', ARGV[4]) end
redis.call('RPUSH', KEYS[2], ARGV[1] .. ARGV[6])
tell(KEYS[3], ARGV[1], ARGV[7])
if ARGV[8] ~= '' then keep(KEYS[4], ARGV[9], ARGV[8], tonumber(ARGV[10])) end
redis.call('DEL', KEYS[5])
put_back(found, ARGV[1], back)
return 1
"""
)

# KEYS: current, history, pinned, entry, evidence, tried   ARGV: name, version, level of trust, mark, event, record,
# domain:name, `back` as above
# Returns 1, 0 it is not the current version any more, -2 it is pinned.
RETIRE = (
    BEGINNING
    + _PUT_BACK
    + """
local back = cjson.decode(ARGV[8])
local repeated = seen(KEYS[2], ARGV[4])
local current = redis.call('HGET', KEYS[1], ARGV[1])
local pinned = redis.call('HGET', KEYS[3], ARGV[1])
redis.call('HGET', KEYS[4], 'trust')
redis.call('LLEN', KEYS[5])
redis.call('SCARD', KEYS[6])
local found = dependents(ARGV[2], ARGV[7], back)
if repeated then return 1 end
if pinned then return -2 end
if current ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[4], 'trust', ARGV[3])
redis.call('RPUSH', KEYS[5], ARGV[4] .. ARGV[6])
tell(KEYS[2], ARGV[4], ARGV[5])
redis.call('DEL', KEYS[6])
put_back(found, ARGV[4], back)
return 1
"""
)

# KEYS: counterexamples   ARGV: text, its hash, the most of them
COUNTEREXAMPLE = (
    _KEEP
    + """
keep(KEYS[1], ARGV[2], ARGV[1], tonumber(ARGV[3]))
return 1
"""
)
