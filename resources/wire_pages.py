"""An answer with many rows, cut into their texts before anything in it is parsed; `wire_shapes.py` then reads the rows.

Belongs here: proving of what stands around the rows that nothing of it was lost. What stands there is declared by each
ERP, as a struct that leaves the rows as `Raw`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode
_CODED = rb"\u00"


def cut(text: bytes, decode: Callable[[bytes], T]) -> T | None:
    """The envelope of an answer; None for any other answer, and where a key around the rows may have come twice."""
    try:
        envelope = decode(text)
    except (ValueError, RecursionError):
        return None
    return envelope if is_whole(text, _encode(envelope)) else None


def is_whole(text: bytes, written: bytes | bytearray) -> bool:
    """Whether all of a JSON text is in what was read from it, by how that is written again.

    Written again nothing gets longer, so the same length has lost nothing. Where there are spaces or escapes to lose,
    the quotes tell: a key that came twice is missing with its own, and writing adds none but for one that was sent as
    an escape by number, which then is missing.
    """
    if len(written) == len(text):
        return True
    return written.count(b'"') == text.count(b'"') and written.count(_CODED) == text.count(_CODED)
