"""Setting up and looking after the house: init, up, db url, doctor."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

import typer

from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    EXIT_USAGE,
    AsJson,
    command,
    err,
    out,
    print_json,
    print_table,
    progress,
    services,
)
from resources import audit_anchors
from resources.connecting import add_connection
from resources.errors import TieoutError
from resources.services import Services
from resources.stores import conflicts, connections, cursors, errors, migrate, outbox, switches
from resources.stores.database import ANALYST_ROLE, WRITER_ROLE
from resources.vaulting import sealed_by_key

# Bound to one tenant in the database itself, whatever their session says.
OUTSIDE_ROLES = {"analyst": ANALYST_ROLE, "writer": WRITER_ROLE}

db_app = typer.Typer(help="The database.", no_args_is_help=True)


@command
def init(json: AsJson = False) -> int:
    """Create or upgrade the database, and enter the connections that connections.toml declares. Safe to repeat."""
    with services() as house, progress("Setting up") as says:
        says("migrations")
        initialise(house)
        says("connections")
        added = enter_declared(house)
        says("Dagster's own tables")
        from pipelines.instance import prepare_instance

        prepare_instance(house.settings, house.server)
        found = {"home": str(house.settings.home), "added": added, "connections": len(house.connections())}
    if json:
        print_json(found)
    else:
        out.print(f"Ready in {found['home']}: {found['connections']} connections, {len(added)} of them new.")
    return EXIT_DONE


def initialise(house: Services) -> None:
    """Bring the database to this version's shape and bind the roles of outsiders to the tenant."""
    migrate.migrate(house.owner_url)
    migrate.bind_analyst(house.owner_url, house.settings.tenant)
    migrate.bind_writer(house.owner_url, house.settings.tenant)


def enter_declared(house: Services) -> list[str]:
    """Enter the connections of connections.toml that are not known yet; returns their names."""
    known = {c.name for c in house.connections()}
    added = [d for d in house.settings.connections.values() if d.name not in known]
    for declared in added:
        add_connection(
            house,
            name=declared.name,
            erp=declared.erp,
            tenant=declared.tenant,
            base_url=declared.base_url,
            values=declared.values,
            is_declared=True,
        )
    return [d.name for d in added]


@command
def up(
    port: Annotated[int, typer.Option(help="Where the Dagster UI listens.")] = 3000,
    gateway_port: Annotated[
        int | None, typer.Option(help="Where the gateway listens; the next port if absent.")
    ] = None,
) -> int:
    """Run Dagster (its UI, its daemon, the code server) and the gateway. Ctrl-C stops everything."""
    from pipelines.up import up as supervise

    with services() as house, ExitStack() as until_it_serves:
        says = until_it_serves.enter_context(progress("Starting"))
        says("migrations")
        initialise(house)
        # A wrong key is said now, not by the first sync of the night.
        _ = house.keeper
        says("connections")
        enter_declared(house)
        says("Dagster and the gateway")

        def say(line: str) -> None:
            until_it_serves.close()
            print(line, flush=True)

        return supervise(house.settings, port=port, gateway_port=gateway_port, say=say)


@db_app.command("url")
@command
def url(role: Annotated[str, typer.Option(help="owner, app, analyst or writer.")] = "app", json: AsJson = False) -> int:
    """Print a URL for psql, a BI tool or a program, for one tenant's rows.

    The analyst's role reads schema `analytics` only; the writer's reads and writes rows of schema `ledger`.
    """
    if role not in ("owner", "app", *OUTSIDE_ROLES):
        err.print(f"tieout db url: found role {role!r}, expected owner, app, analyst or writer", style="red")
        return EXIT_USAGE
    with services() as house:
        if house.server is None:
            found = house.app_url
            if role in OUTSIDE_ROLES:
                name = OUTSIDE_ROLES[role]
                err.print(
                    f"tieout db url: the database is your own (TIEOUT_DATABASE_URL): give the role {name} a "
                    f"login there (alter role {name} login password '...') and use it",
                    style="red",
                )
                return EXIT_USAGE
        else:
            found = house.server.url(role)  # type: ignore[arg-type]
        if role not in OUTSIDE_ROLES:
            # Row-level security shows nothing to a session that has not said whose books it reads.
            found += f"{'&' if '?' in found else '?'}options=-c%20tieout.tenant%3D{house.settings.tenant}"
    if json:
        print_json({"role": role, "url": found})
    else:
        out.print(found, soft_wrap=True, highlight=False, markup=False)
    return EXIT_DONE


@command
def doctor(json: AsJson = False) -> int:
    """Check settings, database, migrations, keys, connections and watermarks; say what is wrong and what to do."""
    findings: list[dict[str, Any]] = []

    def note(what: str, is_good: bool, says: str) -> None:
        findings.append({"check": what, "ok": is_good, "says": says})

    with services() as house, progress("Looking") as says:
        note("settings", True, f"home {house.settings.home}, tenant {house.settings.tenant}")
        pending = migrate.pending_revisions(house.owner_url)
        note("database", True, "embedded" if house.server else "TIEOUT_DATABASE_URL")
        note(
            "migrations",
            not pending,
            "up to date" if not pending else f"pending: {', '.join(pending)}: run tieout init",
        )
        if not pending:
            _examine_vault(house, note)
            for tenant in house.tenants():
                says(f"the audit of {tenant}")
                _examine_audit(house, tenant, note)
            for connection in house.connections():
                says(connection.name)
                _examine(house, connection, note)
    if json:
        print_json({"ok": all(f["ok"] for f in findings), "checks": findings})
    else:
        rows = [("ok" if f["ok"] else "WRONG", f["check"], f["says"]) for f in findings]
        print_table("Doctor", ["", "what", "says"], rows)
    return EXIT_DONE if all(f["ok"] for f in findings) else EXIT_FOUND_WRONG


def _examine_vault(house: Services, note: Any) -> None:
    try:
        counted = sealed_by_key(house)
    except TieoutError as error:
        note("vault", False, str(error))
        return
    old = sum(count for key_id, count in counted.items() if key_id != house.keeper.key_id)
    begun = f"{old} secrets are sealed with an old key: run tieout vault rotate"
    note("vault", not old, begun if old else f"{counted.total()} secrets, all sealed with the newest key")


def _examine_audit(house: Services, tenant: str, note: Any) -> None:
    try:
        head, found = audit_anchors.examine(house, tenant)
    except TieoutError as error:
        note(f"{tenant}: audit", False, str(error))
        return
    for finding in found:
        note(f"{tenant}: audit", False, f"{finding.says}: restore a backup beside this database and compare")
    if not found:
        note(f"{tenant}: audit", True, f"{head.seq} entries, the chain is whole" if head else "no entries yet")


def _examine(house: Services, connection: connections.Connection, note: Any) -> None:
    try:
        _, connector = house.connect(connection)
        report = connector.test()
        note(f"{connection.name}: reach", True, f"{report.company_name}, {report.home_currency}")
        for warning in report.warnings:
            note(f"{connection.name}: consent", False, warning)
    except TieoutError as error:
        note(f"{connection.name}: reach", False, str(error))
    with house.db.transaction(connection.tenant) as tx:
        known = cursors.read_all(tx, connection.name)
        open_errors = errors.open_errors(tx, connection.name)
        conflict_count = conflicts.open_count(tx, connection.name)
        in_doubt = len(outbox.open_intents(tx, connection.name, only_due=False))
        off = [s for s in switches.read_all(tx, connection.tenant) if s.connection in ("", connection.name)]
    oldest = min((c.watermark for c in known.values() if c.watermark), default=None)
    note(
        f"{connection.name}: watermark", oldest is not None, f"{oldest}" if oldest else "never synced: run tieout sync"
    )
    due = sorted(c.entity for c in known.values() if c.is_census_due)
    note(
        f"{connection.name}: census",
        not due,
        "none due" if not due else f"due for {', '.join(due)}: tieout sync --full",
    )
    count = len(open_errors)
    note(f"{connection.name}: errors", not count, "none open" if not count else f"{count} open: see tieout errors")
    note(
        f"{connection.name}: conflicts",
        not conflict_count,
        "none open" if not conflict_count else f"{conflict_count} open: see tieout conflicts list",
    )
    # Neither is wrong by itself, and whoever wonders why nothing arrives looks here.
    note(f"{connection.name}: pushes", True, f"{in_doubt} begun and not answered yet" if in_doubt else "none open")
    told = ", ".join(f"{s.module} {s.direction}" if s.connection else "maintenance" for s in off)
    note(f"{connection.name}: switches", True, f"off: {told}: see tieout switches" if off else "everything is on")
