"""One create or update under examination, and what of it is new: shared by all checks of what QuickBooks refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.spec import Part
from resources.connector import Wanted
from resources.erps.quickbooks.company import Company
from resources.erps.quickbooks.mappings import MAPPINGS


class Case:
    """One create or update, and what of it is new."""

    def __init__(self, wanted: Wanted, company: Company) -> None:
        self.wanted, self.company = wanted, company
        self.entity, self.record, self.base = wanted.entity, wanted.record, wanted.base
        self.mapping = MAPPINGS[wanted.entity]

    def get(self, field: str, default: Any = None) -> Any:
        return getattr(self.record, field, default)

    def is_new(self, field: str) -> bool:
        """Whether the record has the field and QuickBooks does not hold this value of it already."""
        return hasattr(self.record, field) and (self.base is None or getattr(self.base, field) != self.get(field))

    def new_lines(self) -> Iterator[tuple[str, Any]]:
        """Each line that is not held as it is, with its place: `lines[2]`."""
        held = {_without_place(line) for line in getattr(self.base, "lines", ())}
        for number, line in enumerate(self.get("lines", ()), 1):
            if _without_place(line) not in held:
                yield f"lines[{number}]", line


def _without_place(line: Part) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in line.__struct_fields__ if name != "position")
