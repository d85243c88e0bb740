"""QuickBooks' connector broken on purpose; see `tests/faults/mutants.py`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec


def no_probe() -> None:
    """In doubt, rely on the key alone: send again without asking whether it happened."""
    from resources.erps.quickbooks.client import QuickBooksConnector

    assert QuickBooksConnector.probe
    QuickBooksConnector.probe = lambda self, write, wanted, sent_at: None  # type: ignore[method-assign]


def deletion_unasked() -> None:
    """Send again without asking whether somebody has deleted there what was never seen here."""
    from resources.erps.quickbooks.client import QuickBooksConnector

    assert QuickBooksConnector.deleted_since
    QuickBooksConnector.deleted_since = lambda self, entity, since: ()  # type: ignore[method-assign]


def after_instead_of_from() -> None:
    """Ask for what changed after the watermark's second, not from it on, and without any overlap."""
    from resources.connector import DELTA_OVERLAP
    from resources.erps.quickbooks.feed import ChangeFeed

    original = ChangeFeed._ask

    def ask(self: Any, names: list[str], since: Any) -> Any:
        return original(self, names, since + DELTA_OVERLAP + timedelta(seconds=1))

    ChangeFeed._ask = ask  # type: ignore[method-assign]


def offset_paging() -> None:
    """Read what changed page by page, each by its position among the rows as they are by then."""
    from resources.connector import DELTA_OVERLAP, Page
    from resources.erps.quickbooks import queries
    from resources.erps.quickbooks.client import QuickBooksConnector
    from resources.erps.quickbooks.paging import Pager

    assert QuickBooksConnector.pull_changes

    def pull_changes(self: Any, since: Any) -> Any:
        for name, at in since.items():
            entity = self._entity(name)
            if not entity.has_change_feed:
                yield from self.pull(name)
                continue
            pager = Pager(self._wire, name, entity)
            pager._rows_max = 1
            position = 1
            while True:
                changed = queries.modified_from(at - DELTA_OVERLAP)
                page = pager._select(changed, order=f"{queries.MODIFIED} asc", start=position)
                yield Page(name, page.rows.records, page.rows.rejected)
                if not page.row_count:
                    break
                position += page.row_count
            yield Page(name, (), (), watermark=pager.began_at)

    QuickBooksConnector.pull_changes = pull_changes  # type: ignore[method-assign]


def naive_time() -> None:
    """Drop the offset of a time, so that it counts as the machine's own, which stands west of the company."""
    from resources.erps.quickbooks import records

    assert records._instant
    os.environ["TZ"] = "Pacific/Honolulu"
    time.tzset()
    records._instant = lambda text: datetime.fromisoformat(text).replace(tzinfo=None).astimezone(UTC)


def census_deletes_on_a_partial_run() -> None:
    """A listing that broke off counts as whole, and nobody asks for what it misses."""
    from resources.erps.quickbooks.client import QuickBooksConnector
    from resources.errors import TieoutError
    from resources.stages import absent

    original = QuickBooksConnector.census

    def as_far_as_it_goes(self: Any, entity: str) -> Any:
        try:
            yield from original(self, entity)
        except TieoutError:
            return

    assert absent.pull_records
    absent.pull_records = lambda work, entity, ids: set()
    QuickBooksConnector.census = as_far_as_it_goes  # type: ignore[method-assign]


def fresh_token() -> None:
    """Push with the version the ERP has now instead of the one that was merged."""
    from resources.stages.sending import Sending

    original = Sending.send
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    encode = msgspec.json.Encoder(decimal_format="number").encode

    def send(self: Any, intents: Any, *doubtful: Any) -> Any:
        fresh = []
        for intent in intents:
            for page in self.work.connector.pull_ids(intent.entity, [intent.external_id] if intent.external_id else []):
                for record in page.records:
                    body = decode(intent.body)
                    body["SyncToken"] = record.version_token
                    intent = replace(intent, version_token=record.version_token, body=encode(body).decode())
            fresh.append(intent)
        return original(self, fresh, *doubtful)

    Sending.send = send  # type: ignore[method-assign]


# Of those for every ERP.
NOT_TRIED: frozenset[str] = frozenset()

MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        no_probe,
        deletion_unasked,
        after_instead_of_from,
        offset_paging,
        naive_time,
        census_deletes_on_a_partial_run,
        fresh_token,
    )
}
