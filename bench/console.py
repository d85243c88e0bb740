"""The console over a million of everything: how long its pages take to answer, first and again, on one core of load.

`python -m bench.console --rows 1000000` runs it alone; `make bench` runs it on the million it has loaded already.
Belongs here: the history that is added to the books of `bench/million.py` (runs, errors, conflicts, breaks, versions of
records, as a sync leaves them over years) and the verdict on each page. Exit 0 if every page met its demand.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import psycopg
import requests
import uvicorn

from bench.million import CONNECTION, TENANT, Sizes, load
from gateway.app import build_app
from resources.services import Services
from resources.settings import Settings
from resources.stores import console_sessions, embedded
from resources.stores.embedded import Server, free_port
from resources.stores.migrate import migrate

DATABASE = "million"
PAGE_SECONDS_MAX = 2.0
REPEATS = 5
# The busiest month: most of the history is older.
RECENT_RUNS = 100_000
PAGES = (
    "/console/connections",
    "/console/connections/{connection}",
    "/console/connections/{connection}?entity=customers",
    "/console/health",
    "/console/health?period=week",
    "/console/health?period=month",
    "/console/health?period=month&connection={connection}",
    "/console/conflicts",
    "/console/conflicts?state=over",
    "/console/conflicts?state=over&before=500",
    "/console/conflicts/1",
    "/console/errors",
    "/console/errors?connection={connection}",
    "/console/breaks",
    "/console/breaks?state=resolved",
    "/console/breaks?state=resolved&amount=500.00&before=1000",
    "/console/records?entity=invoices&id=D-500",
    "/console/records?entity=invoices&id=500",
    "/console/records?entity=customers&id=Customer%20500",
    "/console/records?entity=invoices&id=no-such-invoice",
    "/console/webhooks",
    "/console/webhooks/new",
    "/console/switches",
    "/console/connections/{connection}/codes",
    "/console/connections/{connection}/codes?list=terms&code=NET45",
)
_HISTORY = (
    """
    insert into sync.runs (tenant_id, connection, kind, started_at, ended_at, state, api_calls, outcome)
    select %(tenant)s, %(connection)s, case i %% 10 when 0 then 'full' when 1 then 'push' else 'delta' end, at,
           at + interval '7 seconds', case when i %% 50 = 0 then 'failed' else 'done' end, i %% 30, '{}'
      from (select i, now() - case when i <= %(recent)s then i * interval '30 days' / %(recent)s
                                   else interval '30 days' + i * interval '1 minute' end as at
              from generate_series(1, %(rows)s) i) r
    """,
    """
    insert into sync.errors (tenant_id, connection, entity, external_id, stage, kind, code, severity, is_retryable,
                             message, next_step, resolved_at, run_id)
    select %(tenant)s, %(connection)s, 'invoices', i::text, 'pull', 'mapping', 'SYNC_004', 'error', false,
           'invoices/' || i || ': found nothing, expected a currency', 'correct it in the ERP',
           case when i %% 100 > 0 then now() end, i
      from generate_series(1, %(rows)s) i
    """,
    """
    insert into sync.conflicts (tenant_id, connection, entity, ledger_id, external_id, kind, says, fields, base, ours,
                                theirs, ledger_version, version_token, state, ended_at, ended_by)
    select %(tenant)s, %(connection)s, 'invoices', i, i::text, 'concurrent_update', 'memo: a here, b there',
           '[{"name": "memo", "base": "", "ours": "a", "theirs": "b"}]', '{"memo": ""}', '{"memo": "a"}',
           '{"memo": "b"}', 1, '0', case when i %% 1000 = 1 then 'open' else 'resolved' end,
           case when i %% 1000 <> 1 then now() end, case when i %% 1000 <> 1 then 'somebody' end
      from generate_series(1, %(rows)s) i
    """,
    """
    insert into reconciliation.breaks (tenant_id, connection, module, currency, identity, kind, cause, amount, severity,
                                       fields, says, state, first_seen_at, last_seen_at, resolved_at)
    select %(tenant)s, %(connection)s, 'ar', 'USD', 'invoices/' || i, 'document', 'amount', i %% 100000 / 100.0,
           'notice', '[]', 'invoices/' || i || ' differs', case when i %% 100 = 0 then 'open' else 'resolved' end,
           now(), now(), case when i %% 100 <> 0 then now() end
      from generate_series(1, %(rows)s) i
    """,
    """
    insert into sync.inbox (tenant_id, connection, event_key, entities, external_id, operation, happened_at, taken_at)
    select %(tenant)s, %(connection)s, 'n' || i, '{invoices}', i::text, 'Update', now(), now()
      from generate_series(1, %(rows)s) i
    """,
    # One invoice that has been changed more often than anybody shows.
    """
    insert into ledger.invoices_history (ledger_id, tenant_id, customer_id, document_number, issue_date, due_date,
                                         currency, net_amount, tax_amount, total_amount, open_amount, memo, version,
                                         changed_by, changed_at, connection, replaced_at)
    select l.ledger_id, l.tenant_id, l.customer_id, l.document_number, l.issue_date, l.due_date, l.currency,
           l.net_amount, l.tax_amount, l.total_amount, l.open_amount, 'note ' || i, i - 10000, 'somebody', now(),
           l.connection, now()
      from ledger.invoices l, generate_series(1, 5000) i where l.document_number = 'D-500'
    """,
)


def add_history(superuser_url: str, rows: int) -> None:
    """Years of runs, errors, conflicts, breaks and notices on top of the books."""
    with psycopg.connect(superuser_url, autocommit=True) as db:
        db.execute("set session_replication_role = replica")
        db.execute("set synchronous_commit = off")
        values = {"tenant": TENANT, "connection": CONNECTION, "rows": rows, "recent": min(RECENT_RUNS, rows)}
        for statement in _HISTORY:
            db.execute(statement, values)
        db.execute("vacuum analyze")


def measure_console(server: Server, rows: int) -> tuple[str, bool]:
    """The pages over a database that is loaded; (a part of the report, whether every demand was met)."""
    add_history(server.url("superuser", DATABASE), rows)
    lines, is_met = [], True
    with (
        tempfile.TemporaryDirectory(prefix="tieout-bench-console-") as home,
        _serving(server, Path(home)) as (url, who),
    ):
        for path in PAGES:
            address = f"{url}{path.format(connection=CONNECTION)}"
            first, again, size = _timed(who, address)
            is_met = is_met and max(first, again) < PAGE_SECONDS_MAX
            shown = path.format(connection="NAME").replace("|", "")
            verdict = "met" if max(first, again) < PAGE_SECONDS_MAX else "**not met**"
            lines.append(f"| `{shown}` | {first:.2f} | {again:.2f} | {size / 1000:.0f} | {verdict} |")
            print(lines[-1], flush=True)
    says = (
        f"## The console over {rows:,} invoices, runs, errors, conflicts, breaks and notices each\n\n"
        f"Seconds until a whole page was there, the first time after the database was loaded and the median of "
        f"{REPEATS} more; below {PAGE_SECONDS_MAX:.0f} is demanded of both.\n\n"
        "| page | first s | again s | kB | |\n|---|---|---|---|---|\n" + "\n".join(lines) + "\n"
    )
    return says, is_met


def _timed(who: requests.Session, address: str) -> tuple[float, float, int]:
    taken, size = [], 0
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        answer = who.get(address, timeout=120)
        taken.append(time.perf_counter() - began)
        if answer.status_code != 200 or "/console/login" in answer.url:
            raise RuntimeError(f"{address}: found {answer.status_code} at {answer.url}, expected the page")
        size = len(answer.content)
    return taken[0], median(taken[1:]), size


@contextmanager
def _serving(server: Server, home: Path) -> Iterator[tuple[str, requests.Session]]:
    """The gateway over that database, and somebody who is logged in."""
    settings = Settings(
        home=home,
        database_url=server.url("app", DATABASE),
        encryption_key=secrets.token_bytes(32),
        partition_start=date(2026, 1, 1),
        pull_interval_seconds=300,
        tenant=TENANT,
        connections={},
    )
    with Services(settings) as services:
        with services.db.transaction(TENANT) as tx:
            token = console_sessions.begin(tx, tenant=TENANT, name="bench", role="admin")
        port = free_port()
        config = uvicorn.Config(build_app(services), port=port, log_config=None, lifespan="off")
        gateway = uvicorn.Server(config)
        thread = threading.Thread(target=gateway.run, daemon=True)
        thread.start()
        while not gateway.started:
            time.sleep(0.01)
        who = requests.Session()
        who.cookies.set("tieout_console", token)
        try:
            yield f"http://127.0.0.1:{port}", who
        finally:
            gateway.should_exit = True
            thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as directory:
        # PostgreSQL does not run as root: it must be able to reach its data by another user.
        Path(directory).chmod(0o755)
        with embedded.ensure_running(Path(directory) / "home") as server:
            with psycopg.connect(server.url("owner", "postgres"), autocommit=True) as owner:
                owner.execute(f"create database {DATABASE}")
            migrate(server.url("owner", DATABASE))
            load(server.url("superuser", DATABASE), Sizes(options.rows))
            says, is_met = measure_console(server, options.rows)
    print(says)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
