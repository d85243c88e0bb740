"""Xero's connector broken on purpose; see `tests/faults/mutants.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any


def no_probe() -> None:
    """In doubt, rely on the key alone: send again without asking whether it happened."""
    from resources.erps.xero.client import XeroConnector

    assert XeroConnector.probe
    XeroConnector.probe = lambda self, write, wanted, sent_at: None  # type: ignore[method-assign]


def deletion_unasked() -> None:
    """What was deleted since counts as never made."""
    from resources.erps.xero.probing import Prober

    original = Prober._made

    def made(self: Any, *asked: Any) -> Any:
        began_at, found = original(self, *asked)
        return began_at, None if found is None or found.is_deleted else found

    Prober._made = made  # type: ignore[method-assign]


def fresh_token() -> None:
    """Write without looking whether the record is still what was merged: Xero itself checks nothing."""
    from resources.erps.xero.sending import Sender

    assert Sender._checked
    Sender._checked = lambda self, writes: {}  # type: ignore[method-assign]


def after_instead_of_from() -> None:
    """Ask for what changed after the watermark's second, not from it on, and without any overlap."""
    from resources.erps.xero import client

    assert timedelta(0) < client.DELTA_OVERLAP
    client.DELTA_OVERLAP = -timedelta(seconds=1)


def census_deletes_on_a_partial_run() -> None:
    """A listing that broke off counts as whole, and nobody asks for what it misses."""
    from resources.erps.xero.client import XeroConnector
    from resources.errors import TieoutError
    from resources.stages import absent

    original = XeroConnector.census

    def as_far_as_it_goes(self: Any, entity: str) -> Any:
        try:
            yield from original(self, entity)
        except TieoutError:
            return

    assert absent.pull_records
    absent.pull_records = lambda work, entity, ids: set()
    XeroConnector.census = as_far_as_it_goes  # type: ignore[method-assign]


# Of those for every ERP. What people enter in a schedule is refused before it is sent, or not at all.
NOT_TRIED = frozenset({"retry_on_400"})

MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (no_probe, deletion_unasked, fresh_token, after_instead_of_from, census_deletes_on_a_partial_run)
}
