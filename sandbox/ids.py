"""Where a simulator's random values come from: tokens, codes, trace ids, event ids.

Belongs here: drawing them, and drawing the same ones again when a run is to be repeated. Numbers of objects are counted
by each ERP's own store and are the same in every run anyway.
"""

import random
from typing import Any
from uuid import UUID


class Ids:
    """Unpredictable values, or, once `seed` was called with a number, the same values in the same order every time."""

    def __init__(self) -> None:
        self._source: random.Random = random.SystemRandom()
        self.is_seeded = False

    def seed(self, number: int | None) -> None:
        """Draw from a generator begun at `number`; None goes back to unpredictable values."""
        self._source = random.SystemRandom() if number is None else random.Random(number)
        self.is_seeded = number is not None

    def hex(self, byte_count: int) -> str:
        """Twice as many hexadecimal digits as `byte_count`."""
        return f"{self._source.getrandbits(8 * byte_count):0{2 * byte_count}x}"

    def text(self, length: int) -> str:
        """`length` letters, digits, - and _."""
        return "".join(self._source.choices(_URL_SAFE, k=length))

    def uuid(self) -> str:
        return str(UUID(int=self._source.getrandbits(128), version=4))

    def snapshot(self) -> Any:
        return self._source.getstate() if self.is_seeded else None

    def restore(self, snapshot: Any) -> None:
        self.seed(None if snapshot is None else 0)
        if snapshot is not None:
            self._source.setstate(snapshot)


_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
