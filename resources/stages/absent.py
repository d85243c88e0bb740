"""Records that seem to be gone over there, though no feed says so: asked for once more, and only then marked.

Belongs here: the second question. Who missed them first is `census.py`, in a list of everything, or `noticed.py` and
`push.py`, by their ids.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources.stages.pull import pull_records
from resources.stages.work import Work
from resources.stores import mirror


def bury_absent(work: Work, entity: str, external_ids: Sequence[str]) -> list[str]:
    """Mark those of these as deleted that are not there now either; returns them."""
    if not external_ids:
        return []
    still_there = pull_records(work, entity, external_ids)
    gone = [external_id for external_id in external_ids if external_id not in still_there]
    with work.transaction() as tx:
        buried = mirror.bury(tx, work.connection.name, entity, gone, work.run_id)
    if entity not in work.erp.mappings():
        # What the ledger has no table for changes here and nowhere else.
        work.outcome(entity).deleted += buried
    return gone
