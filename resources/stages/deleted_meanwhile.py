"""Creates in doubt that somebody may have deleted or changed over there before we could know that they were made.

Belongs here: what tells of it, and words. Where the ERP's records can still be read after they were deleted, a probe
finds the very one. Where a deletion tells nothing but an id, one of a record that we never had may have been ours:
sent again, it would undo what somebody did, so that a person is asked. So is one where a create that takes several
calls is found deleted: we take back what was refused half way, and nothing tells that from somebody's deletion. And
where the ERP may not keep the mark, so is one beside which a record without any says something else than was sent. When
creates are held, and dropped if it is asked for, is decided in `doubts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from resources.connector import Refusal
from resources.errors import ErrorKind
from resources.stages.work import Work
from resources.stores import mirror

# What the error is about that tells a person of it.
LOST_ANSWER = "the answer to its making, which was lost"
_IDS_SHOWN_MAX = 5


def unknown_deletions(work: Work, entity: str, since: datetime) -> list[str]:
    """Ids of records of this entity that were deleted there since, and that we have never had."""
    told = work.connector.deleted_since(entity, since)
    if not told:
        return []
    with work.reading() as tx:
        known = mirror.held(tx, work.connection.name, entity, told)
    return [external_id for external_id in told if external_id not in known]


def refusal_of(work: Work, external_ids: Sequence[str], may_arrive_seconds: float = 0.0) -> Refusal:
    """Why a create is held and what to do. `may_arrive_seconds`: it is too young to be made anew."""
    title = work.erp.title
    shown = ", ".join(external_ids[:_IDS_SHOWN_MAX])
    more = f" and {len(external_ids) - _IDS_SHOWN_MAX} more" if len(external_ids) > _IDS_SHOWN_MAX else ""
    found = f"that {title} does not have it, and that what we never had was deleted there since it was sent: {shown}"
    return _refusal(work, f"{found}{more}", "a sign whether it was made, and deleted by somebody", may_arrive_seconds)


def refusal_of_taken_back(work: Work, external_id: str, may_arrive_seconds: float = 0.0) -> Refusal:
    """The same of one that was begun and is deleted: by us, as the rest of it was refused, or by somebody."""
    found = f"{external_id}, which was made for it and deleted there, maybe by us and before it was whole"
    return _refusal(work, found, "a sign who deleted it", may_arrive_seconds)


def refusal_of_unmarked(work: Work, external_id: str, may_arrive_seconds: float = 0.0) -> Refusal:
    """The same of one beside which a record is found that it may have made, of which somebody changed something."""
    found = f"{external_id}, which has no mark, as {work.erp.title} may not keep it, and says something else"
    first = "if it is this row, delete the row here: the other one is there, and comes with a sync"
    return _refusal(work, found, "a sign whether it was made", may_arrive_seconds, first)


def _refusal(
    work: Work,
    found: str,
    expected: str,
    may_arrive_seconds: float,
    first: str = "if somebody deleted it, delete the row here too",
) -> Refusal:
    late = f"; {work.erp.title} may still get it" if may_arrive_seconds else ""
    wait = f"wait {may_arrive_seconds / 60:.0f} minutes, then " if may_arrive_seconds else ""
    retry = f"`tieout push {work.connection.name} --retry`"
    return Refusal(
        LOST_ANSWER,
        f"{found}{late}",
        expected,
        f"{first}; {wait}{retry}: a row that is alive is made anew",
        ErrorKind.CONFLICT,
    )
