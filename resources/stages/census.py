"""A census: every id and version token the ERP has, against the mirror; what no feed reported is found and repaired.

Linear in the whole book on purpose: that is what makes it able to find anything. It asks for the cheapest form of each
record the ERP offers, and it deletes nothing unless the listing ran to its end and each missing id was asked for again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from resources.stages.absent import bury_absent
from resources.stages.pull import pull_records
from resources.stages.work import Work
from resources.stores import cursors, errors, mirror


@dataclass(frozen=True, slots=True)
class CensusFindings:
    """`listed` records exist over there; `repaired` were pulled again; `buried` were gone and are marked so."""

    listed: int
    repaired: int
    buried: int


def take_census(work: Work, entity: str) -> CensusFindings:
    """Compare and repair one entity. If the listing breaks off, the error goes up and nothing was changed."""
    started, calls = time.monotonic(), work.connector.api_calls
    name = work.connection.name
    listed = 0
    with work.reading() as tx:
        census = mirror.Census(tx, name, entity)
        for page in work.connector.census(entity):
            census.add(page.rows)
            listed += len(page.rows)
            work.keep_lease()
            work.on_progress(name, f"counting {entity}", listed)
        census.seal()
        missing, stale = census.missing_there(), census.stale_here()
        # A record that could not be stored, and is no longer there, will never come in a good version.
        refused = census.not_listed(errors.held_ids(tx, name, entity, "pull"))
    if stale:
        pull_records(work, entity, stale)
    buried = bury_absent(work, entity, missing)
    with work.transaction() as tx:
        errors.resolve(tx, name, "pull", entity, refused)
        cursors.census_done(tx, name, entity)
    outcome = work.outcome(entity)
    outcome.seconds += time.monotonic() - started
    outcome.api_calls += work.connector.api_calls - calls
    return CensusFindings(listed, len(stale), len(buried))
