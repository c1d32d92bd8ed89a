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
if found then return found end
redis.call('set', KEYS[1], ARGV[1])
return ARGV[1]
"""
"""`SET NX GET` is of Redis 7; this is of any."""

PUT_AND_TELL: Final = """
for at = 4, #ARGV, 2 do redis.call('hset', KEYS[1], ARGV[at], ARGV[at + 1]) end
return redis.call('xadd', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', ARGV[2], ARGV[3])
"""
"""A Redis that is full refuses the first of them, and so all."""
