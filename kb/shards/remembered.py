"""What was read of shards lately, so that it need not be asked for again: a generation never changes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, those asked for last, up to a weight of all; safe to use from several threads."""

    def __init__(self, most_weight: int) -> None:
        self._most_weight = most_weight
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value of a key, if it is remembered."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Remember a value, and forget others for it if need be."""
        with self._lock:
            _, known = self._values.pop(key, (None, 0))
            self._values[key] = (value, weight)
            self._weight += weight - known
            while self._weight > self._most_weight and len(self._values) > 1:
                _, (_, lost) = self._values.popitem(last=False)
                self._weight -= lost
