"""The company on disk: an append-only journal of what changed.

Belongs here: writing and reading the file. What is in an entry is told by the parts that write it (`world.py`, each
ERP). All that one request changed is one line, written before the request is answered: a line cut off by a crash is
ignored as a whole, because nothing was answered for it. Reading rewrites the file without what was replaced.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

LINE_BYTES_MAX = 16_000_000
"""More than this (a load of many objects) becomes several lines, to be read back without holding it twice."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Journal:
    """`add` collects, `commit` writes; the operating system has it then, so killing the process loses nothing.

    The thread that sends webhooks adds as well (an endpoint was disabled), hence the lock.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._pending: list[bytes] = []
        self._lock = threading.Lock()
        self._file = open(path, "ab")  # noqa: SIM115 (kept open for the life of the process)

    def add(self, kind: str, *values: Any) -> None:
        with self._lock:
            self._pending.append(_ENCODER.encode((kind, *values)))

    def add_raw(self, kind: str, entity: str, key: str, raw: bytes) -> None:
        """An entry whose last value is JSON already."""
        with self._lock:
            self._pending.append(_ENCODER.encode((kind, entity, key))[:-1] + b"," + raw + b"]")

    def commit(self) -> None:
        """Write what was added, as one line."""
        if self._pending:
            with self._lock:
                pending, self._pending = self._pending, []
            for line in _lines(pending):
                self._file.write(line)
            self._file.flush()

    def entries(self) -> Iterator[list[Any]]:
        """Every entry of every whole line, oldest first. Raises ValueError when a line in the middle cannot be read."""
        with open(self._path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield from _DECODER.decode(line)
                except ValueError as error:
                    raise ValueError(
                        f"{self._path} line {number} is not a journal of this simulator: {error}"
                    ) from error

    def rewrite(self, entries: Iterable[tuple[Any, ...]]) -> None:
        """Replace the file by these entries (kind, then values), in one step; what waits to be written is dropped,
        because it is in the state the entries are taken from."""
        fresh = f"{self._path}.new"
        self._pending.clear()
        self._file.close()
        with open(fresh, "wb") as file:
            for line in _lines(_ENCODER.encode(entry) for entry in entries):
                file.write(line)
        os.replace(fresh, self._path)
        self._file = open(self._path, "ab")  # noqa: SIM115 (kept open for the life of the process)


def _lines(entries: Iterable[bytes]) -> Iterator[bytes]:
    """The entries as lines, each a JSON list of them. JSON on one line: objects that were loaded may hold line ends."""
    held: list[bytes] = []
    size = 0
    for entry in entries:
        held.append(entry.replace(b"\n", b" "))
        size += len(entry)
        if size > LINE_BYTES_MAX:
            yield b"[" + b",".join(held) + b"]\n"
            held, size = [], 0
    if held:
        yield b"[" + b",".join(held) + b"]\n"
