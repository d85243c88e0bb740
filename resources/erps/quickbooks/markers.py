"""The mark that a document of ours carries in QuickBooks, so that it can be found again when an answer was lost.

It is the last line of `PrivateNote`, the note that customers do not read: "[tieout:<marker>]". It is put on and taken
off here, so that the note in the ledger stays what people wrote, also after QuickBooks has put "Voided" before it.
Name lists carry none: their names are unique.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ledger.fields import MappingError, Text, UnreadableError

_FORM = "[tieout:{}]"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")
# "Voided - " stands before a note; before a mark alone its dash would be left over.
_MARK = re.compile(r"(?:^|\r?\n| - | )\[tieout:([A-Za-z0-9._-]{1,64})\]\s*$")


def marked(note: str, marker: str) -> str:
    """The note with the mark as its last line. Raises MappingError for a marker that could not be read back."""
    if not marker:
        return note
    if not _ALLOWED.fullmatch(marker):
        raise MappingError("private_note", "PrivateNote", marker, "a marker of 1 to 64 letters, digits, '.', '_', '-'")
    return f"{note}\n{_FORM.format(marker)}" if note else _FORM.format(marker)


def marker_in(note: Any) -> str | None:
    """The marker at the end of a note, or None."""
    found = _MARK.search(note) if isinstance(note, str) and "[tieout:" in note else None
    return found[1] if found else None


def without_mark(note: str) -> str:
    """What people wrote in a note."""
    return _MARK.sub("", note) if "[tieout:" in note else note


def mark_length(marker: str) -> int:
    """How many characters of a note the mark takes, with the line break before it."""
    return len(_FORM.format(marker)) + 1 if marker else 0


@dataclass(frozen=True)
class Note(Text):
    """A private note, read without the mark; the composer puts it on."""

    def convert(self, value: Any) -> str:
        if type(value) is not str:
            raise UnreadableError(value, "text")
        return without_mark(value)

    def quick_converter(self) -> tuple[type | None, Any]:
        return None, self.convert
