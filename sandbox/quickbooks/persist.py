"""The company on disk: an append-only journal of what changed.

Belongs here: writing and reading the file. One line per change, written before the change is answered; a line cut off
by a crash is ignored, because nothing was answered for it. Reading rewrites the file without what was replaced.
"""

import os
from collections.abc import Iterator
from typing import Any

from sandbox.quickbooks import wire


class Journal:
    """`add` collects, `commit` writes; the operating system has it then, so killing the process loses nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pending: list[bytes] = []
        self._file = open(path, "ab")  # noqa: SIM115 (kept open for the life of the process)

    def add(self, *entry: Any) -> None:
        self._pending.append(wire.encode(entry))

    def add_raw(self, kind: str, entity: str, key: str, raw: bytes) -> None:
        self._pending.append(wire.encode([kind, entity, key])[:-1] + b"," + raw.replace(b"\n", b" ") + b"]")

    def commit(self) -> None:
        if self._pending:
            self._file.write(b"\n".join(self._pending) + b"\n")
            self._file.flush()
            self._pending.clear()

    def entries(self) -> Iterator[list[Any]]:
        """Every whole entry in the file, oldest first. Raises ValueError when a line in the middle cannot be read."""
        with open(self._path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield wire.decode(line)
                except ValueError as error:
                    raise ValueError(
                        f"{self._path} line {number} is not a journal of this simulator: {error}"
                    ) from error

    def clear(self) -> None:
        """Forget everything, for a reset company."""
        self._pending.clear()
        self._file.truncate(0)

    def rewrite(self, write: Any) -> None:
        """Replace the file by what `write(self)` adds, in one step."""
        fresh = f"{self._path}.new"
        self._file.close()
        with open(fresh, "wb") as self._file:
            write(self)
            self.commit()
        os.replace(fresh, self._path)
        self._file = open(self._path, "ab")  # noqa: SIM115 (kept open for the life of the process)
