"""What has to happen in Redis at once, in the language that it has for that: Lua.

Each is one command about one slot, so that a cluster redirects it as any other; a transaction would be four.
"""

from typing import Final

RENEW: Final = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0"
"""Between looking at a token and acting on it the lease may end, and be somebody else's."""

RELEASE: Final = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"
"""As above."""

MARK: Final = """
local found = redis.call('get', KEYS[1])
if found and #found <= tonumber(ARGV[2]) then return found end
redis.call('set', KEYS[1], ARGV[1])
return ARGV[1]
"""
"""What is longer than a mark is none: it would be refused unread for ever. `SET NX GET` is of Redis 7, this of any."""

PUT_AND_TELL: Final = """
for at = 4, #ARGV, 2 do redis.call('hset', KEYS[1], ARGV[at], ARGV[at + 1]) end
return redis.call('xadd', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', ARGV[2], ARGV[3])
"""
"""A Redis that is full refuses the first of them, and so all."""

ENDS: Final = """
if redis.call('exists', KEYS[1]) == 0 then return {'', '0-0'} end
local about, found, octets = redis.call('xinfo', 'stream', KEYS[1]), {}, 0
for at = 1, #about, 2 do found[about[at]] = about[at + 1] end
for _, entry in ipairs({'first-entry', 'last-entry'}) do
  for _, part in ipairs(found[entry] and found[entry][2] or {}) do octets = octets + #part end
end
if octets > tonumber(ARGV[1]) then
  redis.call('del', KEYS[1])
  return {'', '0-0', 'discarded'}
end
local first = found['first-entry']
return {first and first[1] or '', found['last-generated-id']}
"""
"""`XINFO` alone answers with the first and the last event as a whole. Where they are longer than any answer may be,
nobody of the fleet has told them, and asking takes so long that nobody would wait for it: nothing is left of them."""

DISCARD: Final = """
local found = redis.call('type', KEYS[1])['ok']
if found == 'none' or found == ARGV[1] then return 0 end
return redis.call('del', KEYS[1])
"""
"""Between looking at a type and removing what has it somebody else may have put the right thing there."""
