"""What two sides that never met before agree on: a base for them that no merge takes for more than it is.

Belongs here: making that base. What two records make of each other is `merge.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ledger.policies import Conflict
from ledger.spec import EntitySpec, FieldSpec, Record


def agreed(spec: EntitySpec, theirs: Record, found: Sequence[Conflict]) -> Record:
    """Their record without what is in conflict, so that a merge sees it changed on both sides."""
    fields = {f.name: f for f in spec.fields}
    names = {c.field.partition("[")[0] for c in found}
    blank: dict[str, Any] = {name: () if name not in fields else _blank(fields[name]) for name in names}
    return msgspec.structs.replace(theirs, **{n: v for n, v in blank.items() if v is not msgspec.UNSET})


def _blank(f: FieldSpec) -> Any:
    """A value that neither side has. A flag has none: there the ERP's stands in the base, and the open conflict keeps
    the merge from taking ours for a change (`Settling._undecided`).
    """
    if f.kind is bool or f.choices:
        return msgspec.UNSET
    if f.is_optional:
        return None
    return {str: "", int: 0, Decimal: Decimal(0)}.get(f.kind, msgspec.UNSET)
