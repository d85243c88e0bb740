"""A small client of the simulator's control API, for the commands that fill a company: reset it, load objects into it.

Nothing about any ERP is known here; objects pass through as they are, Decimals as JSON numbers with their scale kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

TIMEOUT_SECONDS = 120
ENCODER = msgspec.json.Encoder(decimal_format="number")


class ControlError(Exception):
    """The simulator could not be reached, or did not take what it was given; the text says what to do next."""


class ControlClient:
    """One connection to one simulator, kept open over many calls. `base_url` is where it listens, without a path."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ControlError(f"reading --base-url: found {base_url!r}, expected http://HOST:PORT: correct it")
        self.base_url = base_url.rstrip("/")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)

    def reset(self, seed: str) -> None:
        self._post("/_sandbox/reset", {"seed": seed})

    def load(self, chunk: Mapping[str, Sequence[Any]]) -> None:
        """Store objects as given, ids kept; `chunk` maps the ERP's entity names to lists of its objects."""
        self._post("/_sandbox/load", chunk)

    def load_all(self, chunks: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, int]:
        """Load chunk after chunk, one in memory at a time; returns how many objects of each entity were sent."""
        counts: dict[str, int] = {}
        for chunk in chunks:
            self.load(chunk)
            for entity, objects in chunk.items():
                counts[entity] = counts.get(entity, 0) + len(objects)
        return counts

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, body: Any) -> None:
        doing = f"POST {self.base_url}{path}"
        try:
            self._connection.request("POST", path, ENCODER.encode(body), {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as problem:
            self._connection.close()
            raise ControlError(
                f"{doing}: found {type(problem).__name__}: {problem}, expected a running simulator: "
                "start one with `python -m sandbox --erp ERP --port 8801`"
            ) from problem
        if answer.status >= 300:
            said = text[:300].decode("utf-8", "replace")
            raise ControlError(
                f"{doing}: found status {answer.status} {said!r}, expected 200: see the simulator's output"
            )
