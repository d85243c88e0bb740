"""What webhooks told of: after a delta, whatever it did not bring of the named records is read by id.

A notice brings nothing itself; it has the connection pulled now instead of in some minutes, and makes sure that the
records it names are seen. Where a delta is blind (an ERP whose feed lags behind its own notices, or tells of a deletion
no more) this closes the gap.
"""

from __future__ import annotations

from collections.abc import Collection

from resources.stages.absent import bury_absent
from resources.stages.pull import pull_records
from resources.stages.work import Work
from resources.stores import inbox, mirror
from resources.stores.inbox import Waiting
from resources.webhooks import DELETE


def told_of(work: Work, entities: Collection[str]) -> list[Waiting]:
    """What waits for these; asked before the delta, so that what comes during it waits for the next."""
    with work.reading() as tx:
        return inbox.waiting(tx, work.connection.name, entities)


def pull_noticed(work: Work, notices: list[Waiting], entities: Collection[str]) -> None:
    """Read what the delta has not brought, and take off the list what was told of these."""
    if not notices:
        return
    name = work.connection.name
    named: dict[str, set[str]] = {}
    with work.reading() as tx:
        for kinds in {tuple(one.entities) for one in notices}:
            of_kind = [one for one in notices if tuple(one.entities) == kinds]
            candidates = [kind for kind in kinds if kind in entities]
            # A record is of one of these: seen as one, it need not be looked for as the other.
            missing = [set(inbox.unseen(tx, name, entity, of_kind)) for entity in candidates]
            for entity in candidates:
                named.setdefault(entity, set()).update(set.intersection(*missing))
        held = {entity: mirror.held(tx, name, entity, sorted(ids)) for entity, ids in named.items()}
    of_any = set().union(*held.values())
    for entity, ids in named.items():
        found: set[str] = set()
        for some, is_held in ((set(held[entity]), True), (ids - of_any, False)):
            if some:
                found |= pull_records(work, entity, sorted(some), is_held=is_held)
        # Without a word of a deletion it may be what was made just now: a query may lag behind a write.
        told = {one.external_id for one in notices if one.operation == DELETE and entity in one.entities}
        gone = [i for i, one in held[entity].items() if i in told and i not in found and not one.is_deleted]
        bury_absent(work, entity, gone)
    with work.transaction() as tx:
        inbox.taken(tx, name, notices, entities)
