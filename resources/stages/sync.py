"""One connection's sync from start to end: lease, log entry, pull, census where due, merge; and reconciliation.

This is the whole of what a Dagster step or a command does for a connection. It never leaves a lease, and what failed is
an open error and a failed log entry before the error goes up.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import psutil

from ledger.entities import REFERENCE_ENTITIES
from ledger.reconcile import Module
from ledger.spec import entities as all_entities
from resources import audit_anchors
from resources.connector import CallForecast
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.census import CensusFindings, take_census
from resources.stages.gate import gated_entities
from resources.stages.meeting import Meeting, meet_books
from resources.stages.merge import Merging, merge
from resources.stages.noticed import pull_noticed, told_of
from resources.stages.pull import pull_changes, pull_window
from resources.stages.push import PushReport
from resources.stages.push import push as push_edits
from resources.stages.reconcile import Reconciliation, reconcile_modules
from resources.stages.resolve import check
from resources.stages.work import Outcome, Work
from resources.stores import bindings, connections, cursors, errors, leases, runs, switches
from resources.stores.conflicts import Conflict
from resources.stores.connections import Connection
from resources.stores.leases import LeaseLostError
from resources.token_endpoint import CredentialsRefusedError

Progress = Callable[[str, str, int], None]
Kind = Literal["delta", "full", "window", "push", "meet", "reconcile"]
# Under which stage an error is kept that stopped all of it; single records are held under pull, merge and push.
_WHOLE = {"push": connections.PUSHING, "reconcile": "reconcile"}
# What is not worked on, and what a person does about it.
_AT_REST = {"paused": "resume it first", "disconnected": "connect it again first"}
LEASE_WAIT_SECONDS = 30.0
CLOCK_SECONDS_MAX = 60.0

LEDGER_ENTITIES = tuple(e.name for e in all_entities())
MIRROR_ENTITIES = LEDGER_ENTITIES + REFERENCE_ENTITIES


@dataclass(slots=True)
class SyncReport:
    """What one sync of one connection did, entity by entity."""

    connection: str
    kind: Kind
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    censuses: dict[str, CensusFindings] = field(default_factory=dict)
    watermarks: dict[str, datetime | None] = field(default_factory=dict)
    switched_off: list[str] = field(default_factory=list)
    """What was asked for and left out because its module is switched off."""
    forecast: CallForecast | None = None
    """What a first or full sync or a window was going to cost, where the ERP counts a day's calls."""
    api_calls: int = 0
    seconds: float = 0.0


def sync(
    services: Services,
    name: str,
    *,
    kind: Kind = "delta",
    mirror_entities: Sequence[str] = MIRROR_ENTITIES,
    ledger_entities: Sequence[str] = LEDGER_ENTITIES,
    window: tuple[datetime, datetime] | None = None,
    dagster_run_id: str | None = None,
) -> SyncReport:
    """Sync one connection. `full` adds a census of everything; `window` reads [from, until) again.

    Raises TieoutError, with what was done so far kept: every page is a transaction of its own. An entity that could not
    be counted is raised once all else is done, the first of them.
    """
    with _working(services, name, kind, dagster_run_id, [*mirror_entities, *ledger_entities]) as work:
        report = SyncReport(name, kind, work.outcomes)
        started = time.monotonic()
        _bring_up(work, report, kind, mirror_entities, ledger_entities, window)
        with work.reading() as tx:
            report.watermarks = {e: c.watermark for e, c in cursors.read_all(tx, name).items()}
        report.api_calls = work.connector.api_calls
        report.seconds = time.monotonic() - started
        return report


def push(
    services: Services,
    name: str,
    *,
    entities: Sequence[str] = LEDGER_ENTITIES,
    approved: frozenset[str] | None = None,
    retry_refused: bool = False,
    dagster_run_id: str | None = None,
) -> tuple[SyncReport, PushReport]:
    """Push what was edited in one connection's books. Raises TieoutError, with what was done so far kept."""
    with _working(services, name, "push", dagster_run_id, entities) as work:
        report = SyncReport(name, "push", work.outcomes)
        started = time.monotonic()
        if work.connection.meeting == "pending":
            says = f"{name}: nothing is pushed before its books and the ledger have met: see `tieout meet {name}`"
            return report, PushReport(says=[says])
        pushed = push_edits(work, chosen=entities, approved=approved, retry_refused=retry_refused)
        report.api_calls = work.connector.api_calls
        report.seconds = time.monotonic() - started
        return report, pushed


def check_conflicts(services: Services) -> list[Conflict]:
    """Settle what an edit here has settled, in all connections; gives what is still open, which counts as looked at
    until it changes.
    """
    return [one for connection in services.connections() for one in check(services, connection.name)]


def meet(
    services: Services, name: str, *, is_applied: bool = False, start_at_now: bool = False, by: str = ""
) -> Meeting:
    """Pull a company whose books the ledger has not met yet, and say who is who; written only if it `is_applied`."""
    if services.connection(name).meeting != "pending":
        # Asked for in vain: nothing has failed, so there is no error to keep open.
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=name,
            doing="meeting the ledger",
            found="a connection that has met it, or had nothing to meet",
            expected="one that was connected to a ledger with records of its own",
            next_step="sync it",
        )
    with _working(services, name, "meet", None, ()) as work:
        _bring_up(work, SyncReport(name, "meet", work.outcomes), "delta", MIRROR_ENTITIES, LEDGER_ENTITIES, None)
        meeting = meet_books(work, is_applied=is_applied, start_at_now=start_at_now, by=by)
        if meeting.is_applied:
            _count_bindings(work)
        return meeting


def reconcile(
    services: Services, name: str, modules: Sequence[Module], *, dagster_run_id: str | None = None
) -> list[Reconciliation]:
    """Compare modules of one connection; what changed meanwhile is pulled and merged first if they differ."""
    covers = [*REFERENCE_ENTITIES, *(entity for module in modules for entity in gated_entities(module))]
    with _working(services, name, "reconcile", dagster_run_id, covers) as work:

        def catch_up() -> None:
            _bring_up(work, SyncReport(name, "delta", work.outcomes), "delta", MIRROR_ENTITIES, LEDGER_ENTITIES, None)

        compared = reconcile_modules(work, modules, catch_up)
    audit_anchors.anchor(services, work.connection.tenant)
    return compared


def _bring_up(
    work: Work,
    report: SyncReport,
    kind: Kind,
    mirror_entities: Sequence[str],
    ledger_entities: Sequence[str],
    window: tuple[datetime, datetime] | None,
) -> None:
    with work.reading() as tx:
        asked = dict.fromkeys([*mirror_entities, *ledger_entities])
        report.switched_off = switches.switched_off(tx, work.connection.tenant, work.connection.name, "pull", asked)
    mirror_entities = [e for e in mirror_entities if e not in report.switched_off]
    ledger_entities = [e for e in ledger_entities if e not in report.switched_off]
    offered = [e for e in mirror_entities if e in work.erp.entities]
    has_met = work.connection.meeting == "done"
    mergeable = [e for e in ledger_entities if e in work.erp.mappings()] if has_met else []
    failures: list[TieoutError] = []
    is_first = False
    if window is not None:
        _foretell(work, report, lambda: work.connector.forecast(offered, window=window))
        pull_window(work, offered, *window)
    elif offered:
        with work.reading() as tx:
            known = cursors.read_all(tx, work.connection.name)
        is_first = any(e not in known or known[e].watermark is None for e in offered)
        if is_first or kind == "full":
            _foretell(
                work, report, lambda: work.connector.forecast(offered, is_whole=is_first, is_census=kind == "full")
            )
        if kind == "full":
            # Kept, so that the next delta counts what this one does not come to.
            with work.transaction() as tx:
                cursors.make_census_due(tx, work.connection.name, offered)
        merging = Merging(work, mergeable)
        notices = told_of(work, offered)
        due = pull_changes(work, offered, is_full=kind == "full", follower=merging)
        failures = _take_censuses(work, due, report)
        pull_noticed(work, notices, offered)
    merge(work, mergeable)
    if is_first:
        _count_bindings(work)
    with work.reading() as tx:
        held = errors.held_counts(tx, work.connection.name)
    for entity in {*offered, *ledger_entities} & set(held):
        work.outcome(entity).held = held[entity]
    if failures:
        raise failures[0]


def _count_bindings(work: Work) -> None:
    """Many have been written, and a push may follow at once, long before PostgreSQL looks at them by itself."""
    with work.transaction() as tx:
        bindings.count_anew(tx)


def _take_censuses(work: Work, entities: Sequence[str], report: SyncReport) -> list[TieoutError]:
    """Count these one after the other; returns why some could not be, which stay due and are put off."""
    tenant, name = work.connection.tenant, work.connection.name
    failures: list[TieoutError] = []
    for entity in entities:
        try:
            report.censuses[entity] = take_census(work, entity)
        except TieoutError as error:
            # Whatever could not be read on the way, this is what was not counted.
            error.entity = entity
            with work.transaction() as tx:
                cursors.census_failed(tx, name, entity)
                errors.report(tx, tenant=tenant, connection=name, stage="sync", error=error, run_id=work.run_id)
            failures.append(error)
    return failures


def _foretell(work: Work, report: SyncReport, ask: Callable[[], CallForecast | None]) -> None:
    """Say what a long reading will take of the day's calls, now and with every step of it. A forecast that cannot be
    made stops nothing that would not stop anyway.
    """
    try:
        forecast = ask()
    except TieoutError as error:
        if error.kind in (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION):
            raise
        forecast = None
    report.forecast = forecast
    if forecast is not None:
        work.on_progress(work.connection.name, f"{forecast}; calls needed:", forecast.calls)
        work.on_progress = _with_forecast(forecast, work.on_progress)


def _with_forecast(forecast: CallForecast, tell: Progress) -> Progress:
    """Whoever watches a long reading sees with every step when it will end."""
    return lambda connection, what, count: tell(connection, f"{forecast.brief}; {what}", count)


@contextmanager
def _working(
    services: Services, name: str, kind: Kind, dagster_run_id: str | None, covers: Sequence[str]
) -> Iterator[Work]:
    """Work on one connection; what failed before for the entities that it `covers` is over if it ends well."""
    connection = services.connection(name)
    if connection.state in _AT_REST:
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=name,
            doing=f"starting a {kind}",
            found=f"the connection is {connection.state}",
            expected="an active connection",
            next_step=_AT_REST[connection.state],
        )
    stage = _WHOLE.get(kind, "sync")
    lease = _acquire(services, connection)
    try:
        with services.db.transaction(connection.tenant) as tx:
            run_id = runs.start(tx, tenant=connection.tenant, connection=name, kind=kind, dagster_run_id=dagster_run_id)
        work: Work | None = None
        try:
            erp, connector = services.connect(connection)
            work = Work(services.db, connection, erp, connector, lease, run_id, services.on_progress, services.pace)
            yield work
        except BaseException as error:
            _failed(services, connection, run_id, work, stage, error)
            raise
        with work.transaction() as tx:
            # What could not be counted stays an error until it is, though a sync that puts it off ends well.
            uncounted = cursors.uncounted(tx, name) if stage == "sync" else set()
            errors.resolve_stage(tx, name, stage, [entity for entity in covers if entity not in uncounted])
            runs.finish(tx, run_id, state="done", api_calls=connector.api_calls, outcome=_as_json(work))
            if kind != "push":
                connections.pulled(tx, name)
            if kind in ("delta", "full"):
                connections.taken_in(tx, name)
            connections.reconnected(tx, name)
    finally:
        with services.db.transaction(connection.tenant) as tx:
            leases.release(tx, lease)


def _failed(
    services: Services, connection: Connection, run_id: int, work: Work | None, stage: str, error: BaseException
) -> None:
    """Leave a failed log entry and an open error; a lost lease leaves both to whoever took it."""
    if isinstance(error, LeaseLostError):
        return
    shown = (
        error
        if isinstance(error, TieoutError)
        else TieoutError(
            ErrorKind.UNKNOWN,
            connection=connection.name,
            doing=stage,
            found=f"{type(error).__name__}: {error}",
        )
    )
    with services.db.transaction(connection.tenant) as tx:
        # The connection's row before its errors, as whoever tests the connection meanwhile takes them.
        if stage in ("sync", "reconcile"):
            connections.pulled(tx, connection.name)
        if stage == connections.PUSHING and isinstance(error, TieoutError) and not error.is_retryable:
            connections.push_later(tx, connection.name)
        if isinstance(error, CredentialsRefusedError):
            connections.needs_reconnect(tx, connection.name)
        at = connections.SIGN_IN if shown.kind is ErrorKind.AUTHENTICATION else stage
        errors.report(tx, tenant=connection.tenant, connection=connection.name, stage=at, error=shown, run_id=run_id)
        runs.finish(
            tx,
            run_id,
            state="failed",
            api_calls=work.connector.api_calls if work else 0,
            outcome=_as_json(work) if work else {},
        )


def _as_json(work: Work) -> dict[str, object]:
    return {entity: outcome.as_json() for entity, outcome in work.outcomes.items()}


def _acquire(services: Services, connection: Connection) -> leases.Lease:
    lease_name = f"sync:{connection.name}"
    deadline = time.monotonic() + LEASE_WAIT_SECONDS
    owner = _owner()
    while True:
        with services.db.transaction(connection.tenant) as tx:
            lease = leases.acquire(tx, lease_name, owner)
            holder = None if lease else leases.holder(tx, lease_name)
            # What we hold ourselves is left from before: the database was away when it was to be given back.
            if holder is not None and (holder == owner or _is_gone(holder)):
                leases.expire(tx, lease_name, holder)
        if lease is not None:
            return lease
        if time.monotonic() > deadline:
            raise TieoutError(
                ErrorKind.CONFLICT,
                connection=connection.name,
                doing="starting a sync",
                found=f"another sync of it, run by {holder}",
                expected=f"it to end within {LEASE_WAIT_SECONDS:.0f} seconds",
                next_step=f"wait for it; if its host is gone, its lease ends after {leases.LEASE_SECONDS} seconds",
            )
        time.sleep(0.2)


def _owner() -> str:
    """This process and thread, so that a process of the same host can tell whether it still lives."""
    started = psutil.Process().create_time()
    return f"{socket.gethostname()}|{os.getpid()}|{started:.2f}|{threading.get_ident()}"


def _is_gone(owner: str) -> bool:
    host, _, rest = owner.partition("|")
    if host != socket.gethostname() or not rest:
        return False
    pid, started, _ = rest.split("|")
    try:
        # A clock that was set moves the start of every process with it; a number used again is minutes apart.
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > CLOCK_SECONDS_MAX
    except psutil.NoSuchProcess:
        return True
