"""Rate limits: how many requests a key may make; each process counts by itself, in memory."""

import math
import time
from collections.abc import Sequence

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.errors import TooManyRequests


class RateLimiter:
    """Counts the requests of each key in windows that slide (Cloudflare 2017: the last window's count fades out)."""

    def __init__(self, rates: Sequence[RateLimitItem]) -> None:
        self._rates = rates
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage()) if rates else None

    def check(self, key: str) -> None:
        """Count a request of a key.

        Raises:
            TooManyRequests: one of the limits is reached; the request is not counted by the limits after it.
        """
        if self._counter is None:
            return
        for rate in self._rates:
            if not self._counter.hit(rate, key):
                wait = self._counter.get_window_stats(rate, key).reset_time - time.time()
                raise TooManyRequests(str(rate), max(1, math.ceil(wait)))
