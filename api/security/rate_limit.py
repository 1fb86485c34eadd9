"""Rate limits: requests counted by key, in this process's memory."""

from __future__ import annotations

from collections.abc import Hashable
from time import time

from limits import parse


class RateLimiter:
    """Count requests by key in fixed windows of time, which are the same for all keys.

    Only the notation is `limits`' own: its storages start a thread or a task for every few requests.
    """

    def __init__(self, notation: str) -> None:
        """Create a limiter from a notation of `limits`, such as ``6000/minute``. Raises ValueError for any other."""
        item = parse(notation)
        self._text, self._max, self._seconds = str(item), item.amount, item.get_expiry()
        self._window, self._counts = 0, dict[Hashable, int]()

    def __str__(self) -> str:
        return self._text

    def hit(self, key: Hashable) -> int:
        """Count a request. Returns 0 if it is allowed, else the seconds until the next window."""
        window = self._current_window()
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return 0 if count <= self._max else self._wait(window)

    def exhausted(self, key: Hashable) -> int:
        """Return what `hit` would return, without counting."""
        window = self._current_window()
        return 0 if self._counts.get(key, 0) < self._max else self._wait(window)

    def _current_window(self) -> int:
        window = int(time() // self._seconds)
        if window != self._window:
            self._window, self._counts = window, {}
        return window

    def _wait(self, window: int) -> int:
        return int((window + 1) * self._seconds - time()) + 1
