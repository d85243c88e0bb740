"""What a decision on a conflict would send to the ERP, before anybody decides: made, planned and rolled back.

Belongs here: looking at a decision. Making one is `resolve.py`, looking at all that is pending `review.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import psycopg

from resources.connector import Refusal
from resources.services import Services
from resources.stages.deciding import Decided, Decision
from resources.stages.plan import plan_rows
from resources.stages.resolve import decide_in
from resources.stages.review import Pending, pending_of
from resources.stages.work import composer_of
from resources.stores import conflicts


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of a decision. `pending` is None where the ERP would have nothing to hear, or could not yet:
    `refusals` say what it would refuse, `is_behind` that its record moved since and is pulled first.
    """

    decided: Decided
    pending: Pending | None = None
    refusals: Sequence[Refusal] = field(default_factory=tuple)
    is_behind: bool = False


def preview(services: Services, tenant: str, conflict_id: int, decision: Decision, today: date) -> Preview:
    """What `resolve` would do and the next push would send. Nothing is kept. Raises TieoutError as `resolve` does."""
    with services.db.transaction(tenant) as tx:
        decided = decide_in(services, tx, conflict_id, decision)
        conflict = decided.conflict
        # A record in conflict is held by every plan.
        conflicts.resolve(tx, conflict_id, by=decision.by, resolution=decision.as_json())
        found = Preview(decided)
        if decided.is_to_be_pushed:
            connection = services.connection(conflict.connection)
            erp = services.erp(connection)
            composer = composer_of(tx, erp, connection)
            plan = plan_rows(connection, tx, composer, conflict.entity, [conflict.ledger_id], even_waiting=True)
            ready = [pending_of(one, (), today, erp.unshown) for one in plan.ready]
            found = Preview(
                decided,
                pending=ready[0] if ready else None,
                refusals=tuple(refusal for held in plan.held for refusal in held.refusals),
                is_behind=bool(plan.behind),
            )
        raise psycopg.Rollback
    return found
