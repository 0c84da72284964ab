"""The line's copy in Redis: one sorted set, in the order of the line, for whoever wants to look without the database.

Nothing is decided by it. Each web process writes it whole, in one script, when it is not the line as the database has it:
another key holds a mark of what was written last, which a Redis that forgot everything does not have. Writing it again, by
several at once, or at any time, is harmless.
"""

import hashlib
from collections.abc import Mapping

from redis.exceptions import NoScriptError

from core.signals import Signals

# In pieces: one call of unpack does not take several thousand members.
WRITE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
for first = 2, #ARGV, 1000 do
  redis.call('ZADD', KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
redis.call('SET', KEYS[2], ARGV[1])
return 1
"""
WRITE_SHA = hashlib.sha1(WRITE.encode(), usedforsecurity=False).hexdigest()


class LineCopy:
    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        # One hash tag, so that a script may hold both in a cluster as well.
        self.key = f"{{{signals.prefix}}}:line"
        self._boot = f"{self.key}:boot"

    async def write(self, scores: Mapping[str, int]) -> bool:
        """Make the copy what the database says; whether it was something else before."""
        redis, mark = self._signals.redis, _mark(scores)
        if await redis.get(self._boot) == mark.encode():
            return False
        words = [word for reference, score in scores.items() for word in (str(score), reference)]
        try:
            done = await redis.evalsha(WRITE_SHA, 2, self.key, self._boot, mark, *words)
        except NoScriptError:
            done = await redis.eval(WRITE, 2, self.key, self._boot, mark, *words)
        return bool(done)


def _mark(scores: Mapping[str, int]) -> str:
    told = "\n".join(f"{score} {reference}" for reference, score in scores.items())
    return hashlib.sha256(told.encode()).hexdigest()
