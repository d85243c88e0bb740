"""From the ERP into the mirror: what changed, everything, or one window; a page at a time, memory flat.

While a page is stored the next answer is fetched and prepared, so that neither the ERP nor PostgreSQL waits for the
other.

Each page and its watermark are stored in one transaction. A page that brought nothing moves its watermark together
with the others of its kind, in one transaction at the end. Once a page is stored, whoever wants to go on with what it
changed is given it, and told when an entity that was read whole has come to its end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from resources.collector import collector_paused
from resources.connector import DELTA_OVERLAP, Page
from resources.errors import ErrorKind
from resources.points import point
from resources.stages.work import Work
from resources.stores import cursors, edits, errors, mirror
from resources.stores.cursors import Cursor, Read
from resources.stores.errors import Held
from resources.stores.mirror import Change, Stored


class Follower(Protocol):
    """Goes on with what was stored, page by page; what it leaves undone the next merge does."""

    def prepared(self, page: Page) -> Any:
        """What can be made of a page that will be new as a whole, before it is stored; on the thread that fetches."""
        ...

    def stored(self, entity: str, changes: Sequence[Change], prepared: Any) -> None:
        """`prepared` is of the page that they come from, or None."""
        ...

    def ended(self, entity: str) -> None:
        """The entity was read whole, and the next one begins."""
        ...


def pull_changes(
    work: Work, entities: Sequence[str], *, is_full: bool = False, follower: Follower | None = None
) -> list[str]:
    """Bring the mirror of these entities up to now; returns those of which a census is to be taken.

    An entity never read before is read whole. `is_full` asks again even for what is still fresh.
    """
    with work.reading() as tx:
        known = cursors.read_all(tx, work.connection.name)
    new = [e for e in entities if e not in known or known[e].watermark is None]
    read: set[str] = set()
    for entity in new:
        if entity not in read:
            together = _together(work, entity, [e for e in new if e not in read])
            read |= set(together)
            with _timed(work, entity):
                one = work.connector
                pages = one.pull(entity) if len(together) == 1 else one.pull_together(together)
                _store_all(work, pages, follower, followed=entity, ahead=len(together))
        if follower is not None:
            follower.ended(entity)
    since = {e: known[e].since for e in entities if e not in new and (is_full or not _is_fresh(work, known[e]))}
    if since:
        with _timed(work, min(since, key=lambda e: since[e])):
            behind = {e for e in since if known[e].reread_from is not None}
            _store_all(work, _doubted(work.connector.pull_changes(since), since), follower, behind=behind)
    with work.reading() as tx:
        after = cursors.read_all(tx, work.connection.name)
    return [e for e in entities if e in after and after[e].is_census_due and not after[e].is_census_put_off]


def _together(work: Work, entity: str, new: Sequence[str]) -> Sequence[str]:
    """An entity and those others of `new` that the same reading serves."""
    group = next((one for one in work.erp.together if entity in one), frozenset({entity}))
    return [entity, *(e for e in new if e in group and e != entity)]


def pull_window(work: Work, entities: Sequence[str], since: datetime, until: datetime) -> None:
    """Read again what was modified in [since, until); no watermark moves."""
    for entity in entities:
        with _timed(work, entity):
            for page in work.connector.pull(entity, since, until):
                _store(work, page, moves_watermark=False)


def pull_records(work: Work, entity: str, external_ids: Sequence[str], *, is_held: bool = True) -> set[str]:
    """Read some records by id; returns the ids that exist over there. `is_held` as in `Connector.pull_ids`."""
    found: set[str] = set()
    for page in work.connector.pull_ids(entity, external_ids, is_held=is_held):
        _store(work, page, moves_watermark=False, is_current=True)
        found |= {record.external_id for record in page.records if not record.is_deleted}
        found |= {record.external_id for record in page.rejected if record.external_id is not None}
    return found


def _doubted(pages: Iterable[Page], since: Mapping[str, datetime]) -> Iterator[Page]:
    """The same pages. A claim that ends before what was asked for is none: the clock over there was set back, and what
    changed since then may bear times that the watermark has passed already.
    """
    for page in pages:
        is_set_back = page.watermark is not None and page.watermark < since[page.entity] - DELTA_OVERLAP
        yield replace(page, is_cut_short=True) if is_set_back else page


def _is_fresh(work: Work, cursor: Cursor) -> bool:
    limit = work.erp.entities[cursor.entity].refresh_after_seconds
    if limit is None or cursor.pulled_at is None:
        return False
    # One that was read in a time to come is not: a clock stood ahead.
    return abs(datetime.now(UTC) - cursor.pulled_at) < timedelta(seconds=limit)


def _store_all(
    work: Work,
    pages: Iterable[Page],
    follower: Follower | None,
    *,
    followed: str | None = None,
    ahead: int = 1,
    behind: Collection[str] = (),
) -> None:
    """Store pages; `followed` is the one entity whose turn it is, all if None. The others' parents may not be here yet:
    they are merged from the mirror when theirs comes. `ahead`: how many pages one answer may bring. `behind`: those
    over whose clock was read after it was set back.
    """
    empty: list[Page] = []
    kept: dict[str, datetime] = {}

    def prepared(page: Page) -> Any:
        return follower.prepared(page) if follower is not None and followed == page.entity else None

    with closing(fetched_ahead(pages, prepared, ahead)) as coming:
        for page, made in coming:
            if not (page.records or page.rejected or page.wholes):
                empty.append(page)
                continue
            with collector_paused():
                stored = _store(work, page, is_behind=page.entity in behind)
                if stored.kept_at is not None:
                    kept[page.entity] = max(stored.kept_at, kept.get(page.entity, stored.kept_at))
                if follower is not None and followed in (None, page.entity):
                    follower.stored(page.entity, stored.changes, made)
    if not empty:
        return
    read: dict[str, Read] = {}
    for page in empty:
        work.outcome(page.entity)
        one = _read_by(page, kept.get(page.entity), page.entity in behind)
        read[page.entity] = one.after(read[page.entity]) if page.entity in read else one
    with work.transaction() as tx:
        cursors.advance(tx, tenant=work.connection.tenant, connection=work.connection.name, read=list(read.values()))


def fetched_ahead(pages: Iterable[Page], prepare: Callable[[Page], Any], ahead: int) -> Iterator[tuple[Page, Any]]:
    """The same pages and what was made of each, those `ahead` already on their way while one is stored; never more.

    The connector belongs to the thread that fetches until this is closed. What fails while fetching is raised when its
    page would have come, after all before it.
    """
    waiting = iter(pages)

    def fetch() -> tuple[Page, Any] | None:
        with collector_paused():
            page = next(waiting, None)
            return None if page is None else (page, prepare(page))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetching") as fetching:
        coming = deque(fetching.submit(fetch) for _ in range(ahead))
        try:
            while (one := coming.popleft().result()) is not None:
                coming.append(fetching.submit(fetch))
                yield one
        finally:
            fetching.shutdown(cancel_futures=True)


def _store(
    work: Work, page: Page, *, moves_watermark: bool = True, is_current: bool = False, is_behind: bool = False
) -> Stored:
    """Store one page; returns what it did to the mirror."""
    name, tenant = work.connection.name, work.connection.tenant
    point("page_fetched")
    with work.transaction(is_redoable=True) as tx:
        stored = mirror.store(
            tx,
            tenant=tenant,
            connection=name,
            entity=page.entity,
            records=page.records,
            run_id=work.run_id,
            is_current=is_current,
        )
        if page.wholes and (gone := mirror.ids_beyond(tx, name, page.entity, page.wholes)):
            mirror.bury(tx, name, page.entity, gone, work.run_id)
        point("page_staged")
        if page.records:
            readable = errors.resolve(tx, name, "pull", page.entity, [r.external_id for r in page.records])
            if page.entity in work.erp.mappings():
                # One that is again as it was merged brings no change, and held what was edited of it here.
                edits.look_again_at(tx, name, page.entity, readable)
            elif readable:
                # Whatever names it may have waited for it.
                edits.look_again(tx, name)
        errors.hold(
            tx,
            tenant=tenant,
            connection=name,
            stage="pull",
            doing="pulling",
            held=[
                Held(
                    page.entity,
                    r.external_id or errors.key_of_nameless(r.raw),
                    r.field,
                    r.found,
                    r.expected,
                    ErrorKind.VALIDATION,
                    r.raw,
                )
                for r in page.rejected
            ],
            run_id=work.run_id,
        )
        if moves_watermark:
            cursors.advance(tx, tenant=tenant, connection=name, read=[_read_by(page, stored.kept_at, is_behind)])
            point("watermark_written")
    point("page_committed")
    outcome = work.outcome(page.entity)
    outcome.pulled += stored.pulled
    work.on_progress(name, f"pulling {page.entity}", outcome.pulled)
    if page.entity not in work.erp.mappings():
        # What the ledger has no table for changes here and nowhere else.
        outcome.inserted += stored.inserted
        outcome.updated += stored.updated
        outcome.deleted += stored.deleted
    return stored


def _read_by(page: Page, kept_at: datetime | None, is_behind: bool) -> Read:
    """How far an entity was read with this page; `kept_at` as in `Stored`, of the page or of those before it."""
    # We hold one from a time that is yet to come over there, or was when the clock had been set back: what seems older
    # is newer.
    is_ahead = bool(kept_at and page.watermark and (is_behind or kept_at > page.watermark))
    return Read(page.entity, page.watermark, page.is_cut_short or is_ahead)


@contextmanager
def _timed(work: Work, entity: str) -> Iterator[None]:
    """Charge the time and the calls of this block to one entity; a call for many is charged to the oldest of them."""
    started, calls = time.monotonic(), work.connector.api_calls
    yield
    outcome = work.outcome(entity)
    outcome.seconds += time.monotonic() - started
    outcome.api_calls += work.connector.api_calls - calls
