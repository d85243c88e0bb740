"""Who wins where both books changed the same thing: field owners, a tenant's policies, a person's choice.

Belongs here: the deciding of one double change, and what is said of one that nobody may decide. Which values meet is
`ledger/merge.py` and `ledger/merge_parts.py`. The order of authority, strongest first: the choice of a person for this
record; the policy set for the field; the field's owner as its entity declares it; the policy set for the entity;
otherwise nobody, which makes a conflict (`manual`, the default for money).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.spec import Owner


class Side(StrEnum):
    """One of the two books."""

    OURS = "ours"
    THEIRS = "theirs"

    @property
    def other(self) -> Side:
        return Side.THEIRS if self is Side.OURS else Side.OURS


class Source(StrEnum):
    """Where a merged value came from. `computed` follows from others: an open amount, a sum of applications."""

    BASE = "base"
    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"
    COMPUTED = "computed"


class Policy(StrEnum):
    """What happens where both sides changed one field differently."""

    ERP_WINS = "erp_wins"
    LEDGER_WINS = "ledger_wins"
    NEWEST_WINS = "newest_wins"
    MANUAL = "manual"


class ConflictKind(StrEnum):
    CONCURRENT_UPDATE = "concurrent_update"
    DELETE_CONFLICT = "delete_conflict"
    VALIDATION_CONFLICT = "validation_conflict"
    POSSIBLE_DUPLICATE = "possible_duplicate"


# The name under which a policy or a choice says what happens to a record that one side deleted and the other changed.
IS_DELETED = "is_deleted"

_OWNERS = {Owner.ERP: Policy.ERP_WINS, Owner.LEDGER: Policy.LEDGER_WINS}


@dataclass(frozen=True, slots=True)
class Policies:
    """What a tenant has set for one entity, by field; the name "" is for every field that nobody owns.

    Names are those of fields, `lines.amount` for fields of parts, `lines` for a line that one side removed and the
    other changed, `lines.position` for their order, `is_deleted` for a whole record.
    """

    by_field: Mapping[str, Policy] = field(default_factory=dict)

    @property
    def asks_for_newest(self) -> bool:
        return Policy.NEWEST_WINS in self.by_field.values()

    def of(self, name: str, owner: Owner) -> Policy:
        return self.by_field.get(name) or _OWNERS.get(owner) or self.by_field.get("") or Policy.MANUAL


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field (`total_amount`, `lines[2].amount`), or one line or list of them, for which nobody may decide."""

    field: str
    base: Any
    ours: Any
    theirs: Any


@dataclass(slots=True)
class Decider:
    """Decides the double changes of one record and gathers what it could not decide, and where values came from.

    `newest` is the side that changed last, None if that is not known. `prefer` is the side a person keeps wherever
    neither policy nor owner decides; `choices` are a person's decisions by field, which hold for lone changes too.
    """

    policies: Policies
    newest: Side | None = None
    prefer: Side | None = None
    choices: Mapping[str, Side] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def choice(self, *paths: str) -> Side | None:
        """What a person chose for one of these paths, the first that was chosen."""
        self.asked.update(paths)
        return next((self.choices[path] for path in paths if path in self.choices), None)

    def by_policy(self, name: str, owner: Owner = Owner.NOBODY) -> Side | None:
        """Who wins a double change of this field, None if that is for a person to say."""
        match self.policies.of(name, owner):
            case Policy.ERP_WINS:
                return Side.THEIRS
            case Policy.LEDGER_WINS:
                return Side.OURS
            case Policy.NEWEST_WINS if self.newest is not None:
                return self.newest
        return self.prefer
