"""The `tieout` command as a person or a script uses it: what it prints, and with which code it ends."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from rich.console import Console
from sqlalchemy.engine import make_url

from pipelines.commands import console
from resources import configured
from resources.crypto import Owner, Sealed
from resources.services import Services
from resources.settings import load_settings
from resources.stores import audit
from tests.command import answer, tieout
from tests.conftest import NewDatabase
from tests.house import CONNECTION, Simulator, running_simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--seed", "demo") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def home(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty house: no schema yet. Dagster's variables are put back afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIEOUT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TIEOUT_DATABASE_URL", new_database().url())
        configured._services.cache_clear()
        before = dict(os.environ)
        yield
        configured.ServicesResource().open().close()
        configured._services.cache_clear()
        for name in set(os.environ) - set(before):
            del os.environ[name]


def test_init_makes_the_database_and_may_be_repeated():
    assert answer("init")["connections"] == 0
    assert answer("init")["connections"] == 0


def test_with_no_connection_sync_says_how_to_add_one():
    result = tieout("sync")

    assert result.exit_code == 2
    assert "tieout connections add" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["oracle", "--name", "a", "--set", "x=y"], "expected one of: quickbooks", id="unknown ERP"),
        pytest.param(["quickbooks", "--name", "A B", "--set", "x=y"], "expected 1 to 40 characters", id="bad name"),
        pytest.param(["quickbooks", "--name", "a", "--set", "realm"], "expected --set key=value", id="no equals sign"),
        pytest.param(["quickbooks", "--name", "a", "--set", "colour=red"], "a value 'colour'", id="unknown key"),
        pytest.param(["quickbooks", "--name", "a", "--set", "realm_id=1"], "no value for client_id", id="missing key"),
    ],
)
def test_a_wrong_connection_is_refused_in_one_sentence(arguments, said):
    result = tieout("connections", "add", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("line", "variable", "found", "to_do"),
    [
        pytest.param('realm_id = "1"', "CLIENT_ID", "no value for client_secret", "set {}CLIENT_SECRET;", id="secret"),
        pytest.param("", "CLIENT_ID", "no value for realm_id", "below {}, or set {}REALM_ID;", id="no secret"),
        pytest.param("", "COLOUR", "a value 'colour'", "correct {}, or unset {}COLOUR\n", id="unknown"),
    ],
)
def test_what_is_wrong_with_a_declared_connection_is_mended_where_it_is_declared(
    monkeypatch, tmp_path, line, variable, found, to_do
):
    (tmp_path / "connections.toml").write_text(f'[connections.my-company]\nerp = "quickbooks"\n{line}\n')
    monkeypatch.setenv("TIEOUT_CONNECTIONS", str(tmp_path / "connections.toml"))
    monkeypatch.setenv(f"TIEOUT_CONNECTION_MY_COMPANY__{variable}", "1")
    to_do = to_do.replace("{},", "[connections.my-company] of connections.toml,")

    result = tieout("init")

    assert result.exit_code == 2
    assert f"found {found}, expected" in result.stderr
    assert to_do.format("TIEOUT_CONNECTION_MY_COMPANY__") in result.stderr
    assert "--set" not in result.stderr


def test_a_bad_name_is_not_to_be_mended_with_set():
    result = tieout("connections", "add", "quickbooks", "--name", "A B", "--set", "x=y")

    assert "--name" in result.stderr
    assert "--set" not in result.stderr


def test_a_connection_is_added_listed_and_tested(simulator):
    minted = simulator.post("tokens")
    values = [f"{key}={minted[key]}" for key in ("realm_id", "client_id", "client_secret", "refresh_token")]
    options = [part for value in values for part in ("--set", value)]

    added = tieout("connections", "add", "quickbooks", "--name", CONNECTION, "--base-url", simulator.base_url, *options)

    assert added.exit_code == 0, added.output
    (listed,) = answer("connections", "list")["connections"]
    assert (listed["name"], listed["erp"], listed["state"]) == (CONNECTION, "quickbooks", "active")
    assert answer("connections", "test", CONNECTION)["home_currency"] == "USD"
    assert minted["client_secret"] not in added.output


def test_sync_brings_the_company_and_then_nothing():
    first = answer("sync", CONNECTION)["connections"][CONNECTION]
    second = answer("sync", CONNECTION)["connections"][CONNECTION]

    assert set(first["invoices"]) == {
        "pulled", "inserted", "updated", "deleted", "held", "pushed", "api_calls", "seconds",
    }  # fmt: skip
    assert first["invoices"]["inserted"] == 1500
    assert sum(o["inserted"] + o["updated"] + o["deleted"] for o in second.values()) == 0
    assert sum(o["api_calls"] for o in second.values()) == 1


def test_sync_of_one_entity_touches_only_that():
    assert set(answer("sync", CONNECTION, "--entity", "terms")["connections"][CONNECTION]) == {"terms"}
    refused = tieout("sync", "--entity", "unicorns")
    assert refused.exit_code == 2
    assert "expected one of customers" in refused.stderr


def test_reconcile_ties_out_with_exact_figures():
    found = answer("reconcile", CONNECTION)

    assert found["ties_out"] is True
    totals = {(t["module"], t["currency"]): t for t in found["connections"][CONNECTION]}
    assert set(totals) == {("ap", "EUR"), ("ap", "USD"), ("ar", "EUR"), ("ar", "USD")}
    for total in totals.values():
        assert Decimal(total["ledger_total"]) == Decimal(total["erp_total"])
        assert Decimal(total["difference"]) == 0
        assert total["breaks"] == {}


def test_reconcile_as_of_reads_both_books_as_they_stood():
    now = datetime.now(UTC).isoformat()

    found = answer("reconcile", CONNECTION, "--as-of", now)
    before = answer("reconcile", CONNECTION, "--as-of", "2026-01-01", code=1)
    wrong = tieout("reconcile", CONNECTION, "--as-of", "yesterday")

    assert found["ties_out"] is True
    receivable, payable = found["connections"][CONNECTION]
    assert {t["currency"] for t in receivable["totals"] + payable["totals"]} == {"EUR", "USD"}
    assert all(t["ledger_total"] == t["mirror_total"] for t in receivable["totals"] + payable["totals"])
    for module in before["connections"][CONNECTION]:
        assert (module["totals"], module["ageing"]) == ([], [])
        assert [s["code"] for s in module["statements"]] == ["before_first_sync"]
    assert wrong.exit_code == 2
    assert "such as 2026-11-01T18:00:00Z" in wrong.stderr
    shown = tieout("reconcile", CONNECTION, "--as-of", now)
    assert "mirror against ledger, as of" in shown.output
    assert "Both books tied out." in shown.output


def test_a_closed_month_is_kept_and_comes_out_the_same():
    month = f"{datetime.now(UTC).date().replace(day=1) - timedelta(days=1):%Y-%m}"
    closed_at = datetime.now(UTC).isoformat()

    kept = answer("reconcile", CONNECTION, "--closed", month, "--as-of", closed_at)
    shown = tieout("reconcile", CONNECTION, "--closed", month)

    assert kept["is_unchanged"] is True
    assert [module["kept_at"] for module in kept["connections"][CONNECTION]] == [None, None]
    assert shown.exit_code == 0
    assert shown.output.count("the same figures as kept at") == 2
    assert "Nothing has changed in it since." in shown.output


def test_a_bad_row_stops_reconciliation_and_is_named():
    house = configured.ServicesResource().open()

    def change(by: int) -> int:
        with house.db.transaction("default") as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true)")
            return tx.execute(
                "update ledger.invoices set total_amount = total_amount + %s where ledger_id = "
                "(select min(ledger_id) from ledger.invoices) returning ledger_id",
                (by,),
            ).fetchone()[0]

    row = change(1)
    try:
        refused = tieout("reconcile", CONNECTION, "--json")
    finally:
        change(-1)

    assert refused.exit_code == 1
    said = json.loads(refused.stdout)
    assert said["ties_out"] is False
    (check,) = said["refused"][CONNECTION]
    assert (check["entity"], check["check"]) == ("invoices", "lines_make_the_total")
    assert [one["key"] for one in check["rows"]] == [str(row)]
    assert check["told"].startswith("check invoices.lines_make_the_total failed for 1 rows, where lines and tax")


def test_explain_tells_the_story_of_a_record_by_its_number(simulator):
    invoice = next(i for i in simulator.objects("Invoice") if i["Balance"] > 0)

    # A number may be another record's id: both are told.
    stories = answer("explain", "invoices", invoice["DocNumber"])["records"]

    (story,) = [s for s in stories if s["external_id"] == invoice["Id"]]
    assert story["erp_versions"][0]["payload"]["DocNumber"] == invoice["DocNumber"]
    assert story["ledger_versions"][0]["version"] == 1
    assert len(story["parts"]["lines"]) >= 1
    assert tieout("explain", "invoices", invoice["DocNumber"]).exit_code == 0
    assert tieout("explain", "invoices", "no-such-number").exit_code == 1
    assert tieout("explain", "unicorns", "1").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--apply", "nowhere/a.plan"], "No such file", id="no such plan"),
        pytest.param(["--plan", "--save", "nowhere/a.plan"], "No such file", id="no such folder"),
        pytest.param(["--apply", __file__], "no plan", id="another file"),
    ],
)
def test_a_plan_that_cannot_be_read_or_saved_is_refused_in_one_sentence(arguments, said):
    result = tieout("push", CONNECTION, *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ("connections add quickbooks --name A --set x=y", "Adding A"),
        ("connections remove nobody", "Removing nobody"),
        ("push --plan", f"Planning: {CONNECTION}"),
        ("reconcile --as-of 2026-02-01T00:00:00Z", f"Both books at 2026-02-01 00:00Z: {CONNECTION}"),
        ("reconcile --closed 2026-01", f"2026-01 again: {CONNECTION}"),
        ("reports write nobody", "Reporting on nobody"),
        ("conflicts resolve 999 --keep ours", "Deciding 999"),
        ("explain customers 1", "Looking for customers/1"),
        ("up", "Starting: Dagster and the gateway"),
    ],
)
def test_at_a_terminal_what_may_take_long_shows_that_it_moves(monkeypatch, arguments, title):
    def supervise(*_: object, say: Callable[[str], None], **__: object) -> int:
        say("it serves")
        return 0

    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, width=120, force_terminal=True, color_system=None))
    monkeypatch.setattr("pipelines.up.up", supervise)

    tieout(*arguments.split())

    assert "Opening the books" in text.getvalue()
    assert title in text.getvalue()


def test_doctor_says_what_is_switched_off():
    tieout("switch", CONNECTION, "--module", "ar", "--direction", "push", "--off", "--reason", "a look at prices")
    try:
        says = {one["check"]: one["says"] for one in answer("doctor")["checks"]}
    finally:
        tieout("switch", CONNECTION, "--module", "ar", "--direction", "push", "--on")

    assert says[f"{CONNECTION}: switches"].startswith("off: ar push")
    assert says[f"{CONNECTION}: conflicts"] == "none open"


def test_doctor_finds_a_house_in_order():
    found = answer("doctor")

    assert found["ok"] is True
    assert f"{CONNECTION}: reach" in {check["check"] for check in found["checks"]}


def test_doctor_names_the_entry_of_the_audit_that_somebody_changed(home, server):
    house = configured.ServicesResource().open()
    with house.db.transaction("default") as tx:
        for number in (1, 2, 3):
            audit.append(tx, tenant="default", actor="ann", action="tried", ledger_id=number, detail={})
        changed = audit.head(tx, "default").seq - 1
    (whole,) = [check for check in answer("doctor")["checks"] if check["check"] == "default: audit"]
    database = house.owner_url.rsplit("/", 1)[1]

    def sign(actor: str) -> None:
        with psycopg.connect(server.url("superuser", database)) as db:
            db.execute("set session_replication_role = replica")
            db.execute("update sync.audit set actor = %s where seq = %s", (actor, changed))

    sign("bob")
    (broken,) = [check for check in answer("doctor", code=1)["checks"] if not check["ok"]]
    sign("ann")

    assert whole["says"].endswith("entries, the chain is whole")
    assert broken["check"] == "default: audit"
    assert broken["says"].startswith(f"entry {changed} (tried 2 by bob at ")
    assert answer("doctor")["ok"] is True


def test_a_failed_sync_ends_with_one_and_leaves_an_error_that_the_next_good_one_closes(simulator):
    simulator.post("faults", [{"path": "*", "status": 403, "body": {"fault": {"error": [{"code": "3100"}]}}}])
    try:
        failed = tieout("sync", CONNECTION, "--json")
    finally:
        simulator.post("faults", [])

    assert failed.exit_code == 1
    (error,) = answer("errors", code=1)["errors"]
    assert (error["code"], error["kind"], error["connection"]) == ("SYNC_002", "authorization", CONNECTION)
    assert answer("doctor", code=1)["ok"] is False
    assert answer("sync", CONNECTION)["ok"] is True
    assert answer("errors")["errors"] == []


def test_db_url_opens_the_database():
    with psycopg.connect(answer("db", "url")["url"]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert tieout("db", "url", "--role", "king").exit_code == 2
    for role in ("analyst", "writer"):
        refused = tieout("db", "url", "--role", role)
        assert refused.exit_code == 2
        assert f"alter role tieout_{role} login password" in " ".join(refused.stderr.split())


def everything_in(url: str) -> bytes:
    """Every row of every table of a database, as text."""
    with psycopg.connect(url, options="-c tieout.tenant=default") as db:
        tables = db.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema') and schemaname not like 'pg_temp%'"
        ).fetchall()
        rows = [row for (table,) in tables for (row,) in db.execute(f"select t::text from {table} t")]
    return "\n".join(rows).encode()


def test_after_all_of_this_no_secret_is_in_a_table_a_run_an_event_a_log_or_a_file():
    settings = load_settings()
    with Services(settings) as house:
        kept = house.vault("default").all(CONNECTION)
        public = house.connection(CONNECTION).settings
        with house.db.transaction("default") as tx:
            journal = tx.execute(
                "select attempt_id::text, key_id, sealed from sync.token_journal where connection = %s", (CONNECTION,)
            ).fetchall()
        opened = [
            json.loads(house.keeper.open(Sealed(key_id, bytes(sealed)), Owner("default", CONNECTION, "oauth", attempt)))
            for attempt, key_id, sealed in journal
        ]
    issued = {value for tokens in opened for value in tokens.values() if value}
    key = (settings.home / "encryption.key").read_text().strip()
    files = [path for path in settings.home.rglob("*") if path.is_file() and path.name != "encryption.key"]
    dagsters = make_url(os.environ["TIEOUT_DAGSTER_PG_URL"]).set(drivername="postgresql")

    written = b"\n".join(
        [
            *(path.read_bytes() for path in files),
            everything_in(settings.database_url),
            everything_in(dagsters.render_as_string(hide_password=False)),
        ]
    )

    # What is no secret is there, and so would be what is one.
    assert public["realm_id"].encode() in written and b"delta_sync" in written
    assert len(kept) == 2 and len(issued) >= 2
    assert [secret for secret in {*kept.values(), *issued, key} if secret.encode() in written] == []


def test_a_removed_connection_leaves_its_books_and_takes_its_secrets():
    assert tieout("connections", "remove", CONNECTION).exit_code == 0

    with configured.ServicesResource().open().db.transaction("default") as tx:
        counts = tx.execute(
            "select (select count(*) from ledger.invoices), (select count(*) from sync.token_journal), "
            "(select count(*) from sync.secrets where connection <> '')"
        ).fetchone()
    assert counts == (1500, 0, 0)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TIEOUT_DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:9/none", "nobody@127.0.0.1:9/none"),
        ("TIEOUT_PARTITION_START", "soon", "TIEOUT_PARTITION_START"),
    ],
)
def test_a_wrong_setting_is_one_clear_message(monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)

    result = tieout("connections", "list")

    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert "secret-word" not in result.output
    assert "Traceback" not in result.stderr
