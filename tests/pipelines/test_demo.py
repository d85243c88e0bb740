"""`make demo ARGS=--once`, as the README says it: from nothing to two companies that tie out with one ledger."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg

from resources.stores import embedded

ROOT = Path(__file__).parents[2]
MINUTES_MAX = 10


def test_make_demo_once_ties_out_and_leaves_nothing_running(tmp_path):
    home = tmp_path / "demo"

    ran = subprocess.run(
        ["make", "demo", f"ARGS=--once --home {home}"],
        cwd=ROOT,
        # Somebody who works on books in earnest: nothing of them is the demo's.
        env={**os.environ, "TIEOUT_TENANT": "theirs", "TIEOUT_DATABASE_URL": "postgresql://theirs@127.0.0.1:1/books"},
        capture_output=True,
        text=True,
        timeout=MINUTES_MAX * 60,
    )

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    for connection in ("qbo_demo", "xero_demo"):
        assert f"{connection}: control totals" in ran.stdout
        assert f"{connection}: both books tie out." in ran.stdout
    for erp in ("QuickBooks", "Xero"):
        for done in ("corrects a line", "voids", "deletes", "takes a payment"):
            assert f"- {erp}: {done}" in ran.stdout
    for done in ("QuickBooks: renames", "takes on a customer", "bills it", "thanks"):
        assert f"- {done}" in ran.stdout
    assert "held as conflict 1 with qbo_demo" in ran.stdout
    assert "Traceback" not in ran.stderr
    assert where_things_are(home) == {
        # A document is in the company it was written for and in no other.
        "OURS-1": ["qbo_demo"],
        "OURS-2": ["xero_demo"],
        # A customer may be known in several.
        "Quiet Harbour Repairs": ["qbo_demo", "xero_demo"],
    }


def where_things_are(home: Path) -> dict[str, list[str]]:
    """What was made in the ledger: by number or name, in which companies' mirrors it is now."""
    with embedded.ensure_running(home) as server, psycopg.connect(server.url("app")) as tx:
        tx.execute("set tieout.tenant = 'default'")
        return dict(
            tx.execute(
                "select made.name, array_agg(m.connection order by m.connection) from ("
                "  select 'invoices' as entity, ledger_id, document_number as name from ledger.invoices"
                "   where document_number like 'OURS-%'"
                "  union all select 'customers', ledger_id, name from ledger.customers where name like 'Quiet Harbour%'"
                ") made join sync.bindings b on b.entity = made.entity and b.ledger_id = made.ledger_id"
                " join (select 'invoices' as entity, connection, external_id from mirror.invoices where not is_deleted"
                "       union all select 'customers', connection, external_id from mirror.customers) m"
                "   on m.entity = b.entity and m.connection = b.connection and m.external_id = b.external_id"
                " group by made.name"
            ).fetchall()
        )


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "books.xlsx").write_text("years of work")

    ran = subprocess.run(
        ["make", "demo", f"ARGS=--once --home {tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert ran.returncode != 0
    assert "files that no demo made" in ran.stderr
    assert (tmp_path / "books.xlsx").read_text() == "years of work"
