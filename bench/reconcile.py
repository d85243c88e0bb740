"""A million invoices on both sides: how long it takes to find what differs, and what analysts wait for their views.

Belongs here: the runs and their verdicts. What is in the books is `bench/million.py`; datacompy runs in a process of
its own (`bench/datacompy_process.py`), in the yardstick's environment. Times are of the statement or the comparison.

The floor is a bare full outer join of two tables that hold nothing but the compared columns, with an index on nothing:
what finding the differences would take if our rows already had the ERP's ids and stood in tables of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.measure import measure
from bench.million import CONNECTION, DIFFERS_EVERY, TENANT, Sizes, differ, load
from ledger.reconcile import MODULES
from resources.stores import documents, documents_compared, embedded
from resources.stores.database import Database
from resources.stores.embedded import Server
from resources.stores.migrate import bind_analyst, migrate
from resources.stores.views import View, views

DATABASE = "million"
JOIN_RATIO_MAX, DATACOMPY_RATIO_MIN, VIEW_SECONDS_MAX = 2.0, 5.0, 2.0
# More rows than this are not looked through by anybody: such a view is asked a question that reads them all.
READ_WHOLE_ROWS_MAX = 100_000
_COLUMNS = (
    *("party_external_id", "document_number", "document_date", "due_date", "currency", "exchange_rate"),
    *("total_amount", "tax_amount", "open_amount", "is_void"),
)
# What a view of very many rows is grouped by, the first that it has.
_GROUPS = ("item_id", "currency", "connection")


def measure_million(server: Server, home: Path, yardstick: Path, invoices: int, repeats: int = 3) -> str:
    """Load, compare, and ask every view; the results as a part of the report."""
    with psycopg.connect(server.url("owner", "postgres"), autocommit=True) as owner:
        owner.execute(f"drop database if exists {DATABASE}")
        owner.execute(f"create database {DATABASE}")
    migrate(server.url("owner", DATABASE))
    bind_analyst(server.url("owner", DATABASE), TENANT)
    began = time.perf_counter()
    load(server.url("superuser", DATABASE), Sizes(invoices))
    load_seconds = time.perf_counter() - began
    changed = differ(server.url("superuser", DATABASE))
    print(f"{invoices:,} invoices loaded in {load_seconds:.0f} s, {changed:,} made to differ", flush=True)
    return _comparison(server, home, yardstick, invoices, changed, repeats) + "\n" + _views(server, invoices, repeats)


def _comparison(server: Server, home: Path, yardstick: Path, invoices: int, changed: int, repeats: int) -> str:
    (shape, *_) = documents.shapes_of(MODULES["ar"])
    database = Database(server.url("app", DATABASE))
    joins, found, whole = [], [], []
    with psycopg.connect(server.url("superuser", DATABASE), autocommit=True) as superuser:
        _flatten(superuser)
        for _ in range(repeats):
            seconds, rows = _timed(lambda: superuser.execute(_BARE).fetchall())
            joins.append(seconds)
            _expect("the bare join", len(rows), changed)
            with database.transaction(TENANT) as tx:
                seconds, keys = _timed(
                    lambda tx=tx: documents_compared.differing_documents(tx, CONNECTION, shape, limit=invoices)
                )
                found.append(seconds)
            _expect("Tieout", len(keys), changed)
        with database.transaction(TENANT) as tx:
            seconds, pairs = _timed(lambda: documents_compared.differing(tx, CONNECTION, shape, limit=invoices))
            whole.append(seconds)
            _expect("Tieout with lines", len(pairs), changed)
        workers = superuser.execute("select current_setting('max_parallel_workers_per_gather')").fetchone()[0]
        datacompy = _datacompy(server, home, yardstick)
    _expect("datacompy", datacompy["differing"], changed)
    database.close()
    ratio = median(found) / median(joins)
    whole_way = datacompy["read_seconds"] + datacompy["seconds"]
    factor = whole_way / median(found)
    return (
        f"## Reconciliation: {invoices:,} invoices of 5 lines on both sides\n\n"
        f"One in {DIFFERS_EVERY:,} differs ({changed:,}: open amount, due date, total by a cent, gone); each way finds "
        f"all of them. Medians of {repeats} alternating rounds, in brackets each; {workers} workers for a query; load "
        f"average {os.getloadavg()[0]:.1f} at the end.\n\n"
        "| way | seconds | peak memory MB |\n|---|---|---|\n"
        f"| bare full outer join, {len(_COLUMNS)} columns | {_each(joins)} | PostgreSQL |\n"
        f"| Tieout, document by document | {_each(found)} | PostgreSQL |\n"
        f"| Tieout, with every line, and what differs loaded | {_each(whole)} | PostgreSQL |\n"
        f"| datacompy {datacompy['version']} (pandas), from the same tables | {whole_way:.1f} (reading "
        f"{datacompy['read_seconds']:.1f}, comparing {datacompy['seconds']:.1f}) | {datacompy['peak_mb']:,.0f} |\n\n"
        f"- Tieout / bare join: **{ratio:.2f}** (at most {JOIN_RATIO_MAX:.1f}: {_verdict(ratio <= JOIN_RATIO_MAX)})\n"
        f"- datacompy / Tieout: **{factor:.1f}** (at least {DATACOMPY_RATIO_MIN:.0f}: "
        f"{_verdict(factor >= DATACOMPY_RATIO_MIN)}), both from the tables to what differs; with its frames in memory "
        f"already, datacompy alone takes {datacompy['seconds'] / median(found):.1f} times as long.\n"
        "- Tieout joins ledger rows to the ERP's ids on the way; the bare join gets both sides with them. A query of "
        "ours may take 128 MB of memory for each hash table and worker.\n"
        "- Not counted: reading the mirror's payloads into the form in which they are compared, once for each change.\n"
    )


def _flatten(superuser: psycopg.Connection[Any]) -> None:
    columns = ", ".join(_COLUMNS)
    superuser.execute("drop schema if exists bare cascade")
    superuser.execute("create schema bare")
    superuser.execute(
        f"create table bare.theirs as select external_id, {columns} from reconciliation.documents "
        "where entity = 'invoices' and not is_deleted"
    )
    superuser.execute(
        "create table bare.ours as select b.external_id, l.customer_id::text as party_external_id, l.document_number, "
        "l.issue_date as document_date, l.due_date, l.currency, l.exchange_rate, l.total_amount, l.tax_amount, "
        "l.open_amount, l.is_void from ledger.invoices l join sync.bindings b on b.entity = 'invoices' "
        "and b.ledger_id = l.ledger_id"
    )
    superuser.execute("vacuum analyze bare.ours")
    superuser.execute("vacuum analyze bare.theirs")


def _listed(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in _COLUMNS)


_BARE = (
    "select coalesce(o.external_id, t.external_id) from bare.ours o full join bare.theirs t "
    "on t.external_id = o.external_id where o.external_id is null or t.external_id is null "
    f"or ({_listed('o')}) is distinct from ({_listed('t')})"
)


def _datacompy(server: Server, home: Path, yardstick: Path) -> dict[str, Any]:
    """datacompy on the same two tables, in its own process; its memory is measured as dlt's is."""
    pid = embedded.status(home).pid
    url = server.url("superuser", DATABASE)
    run = measure((str(yardstick), "-m", "bench.datacompy_process", url), postgres_pid=pid, simulator_pid=pid)
    return {**run.said, "peak_mb": run.peak_bytes / 1e6}


# -- views -------------------------------------------------------------------------------------------------------------


def _views(server: Server, invoices: int, repeats: int) -> str:
    rows = []
    slow = []
    with psycopg.connect(server.url("analyst", DATABASE), autocommit=True) as analyst:
        for view in views():
            (number,) = analyst.execute(f"select count(*) from analytics.{view.name}").fetchone()
            if not number:
                continue
            asked, query = _question(view, number)
            seconds = [_timed(lambda query=query: analyst.execute(query).fetchall())[0] for _ in range(repeats)]
            page, _ = _timed(
                lambda view=view: analyst.execute(f"select * from analytics.{view.name} limit 1000").fetchall()
            )
            rows.append(f"| `{view.name}` | {number:,} | {asked} | {_each(seconds, 2)} | {page:.2f} |")
            if median(seconds) > VIEW_SECONDS_MAX or page > VIEW_SECONDS_MAX:
                slow.append(view.name)
    with psycopg.connect(server.url("owner", DATABASE), autocommit=True) as owner:
        owner.execute(f"set tieout.tenant = '{TENANT}'")
        loops = [view.name for view in views() if _loops(owner, view)]
    return (
        f"## Views: what analysts wait with {invoices:,} invoices\n\n"
        "As the analyst, under row-level security, on the same book. A view of up to 100,000 rows is read whole; one "
        "of more is asked for the sums of every amount in it, by the key named. The last column is its first 1,000 "
        "rows, every column of them.\n\n"
        "| view | rows | asked | seconds | a page |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n"
        f"- over {VIEW_SECONDS_MAX:.0f} s: **{', '.join(slow) or 'none'}** ({_verdict(not slow)})\n"
        f"- nested loops over more than 10,000 rows in a plan of the whole: **{', '.join(loops) or 'none'}** "
        f"({_verdict(not loops)})\n"
    )


def _question(view: View, rows: int) -> tuple[str, str]:
    if rows <= READ_WHOLE_ROWS_MAX:
        return "all of it", f"select * from analytics.{view.name}"
    names = [c.name for c in view.columns]
    key = next(name for name in _GROUPS if name in names)
    sums = [c.name for c in view.columns if c.type == "numeric" and c.name.endswith("amount")]
    listed = ", ".join([key, "count(*)", *(f"sum({name})" for name in sums)])
    return f"sums by {key}", f"select {listed} from analytics.{view.name} group by {key}"


def _loops(owner: psycopg.Connection[Any], view: View) -> bool:
    (plan,) = owner.execute(f"explain (format json) select * from analytics.{view.name}").fetchone()
    return _has_loop(plan[0]["Plan"])


def _has_loop(node: dict[str, Any]) -> bool:
    inner: Sequence[dict[str, Any]] = node.get("Plans", ())
    # The outer side's rows are how often the inner is run.
    if node["Node Type"] == "Nested Loop" and inner[0]["Plan Rows"] > 10_000:
        return True
    return any(_has_loop(one) for one in inner)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    said = call()
    return time.perf_counter() - began, said


def _each(values: Sequence[float], digits: int = 1) -> str:
    each = f" ({', '.join(f'{v:.{digits}f}' for v in values)})" if len(values) > 1 else ""
    return f"{median(values):.{digits}f}{each}"


def _expect(who: str, found: int, expected: int) -> None:
    if found != expected:
        raise RuntimeError(f"comparing a million: {who} found {found:,} documents that differ, expected {expected:,}")


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "**not met**"
