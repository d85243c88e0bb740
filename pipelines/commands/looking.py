"""Looking into the books: what is wrong, and everything known of one record."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer

from ledger.spec import SpecError, entities, spec_of
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    out,
    print_json,
    print_table,
    services,
)
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stores import errors as error_store
from resources.stores import history
from resources.stores.tables import parent_column


@command
def errors(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    json: AsJson = False,
) -> int:
    """What is held or failed and not resolved yet; exit 1 if there is any."""
    with services() as house:
        chosen = [house.connection(connection)] if connection else house.connections()
        found: list[dict[str, Any]] = []
        for one in chosen:
            with house.db.transaction(one.tenant) as tx:
                found += error_store.open_errors(tx, one.name)
    if json:
        print_json({"errors": found})
    elif not found:
        out.print("No open error.")
    else:
        print_table(
            f"{len(found)} open error{'s' * (len(found) != 1)}",
            ["code", "severity", "record", "stage", "what", "do"],
            [
                (
                    e["code"],
                    e["severity"],
                    "/".join(filter(None, (e["connection"], e["entity"], e["external_id"]))),
                    e["stage"],
                    e["message"].removesuffix(f": {e['next_step']}"),
                    e["next_step"],
                )
                for e in found
            ],
        )
    return EXIT_FOUND_WRONG if found else EXIT_DONE


@command
def explain(
    entity: Annotated[str, typer.Argument(help="Such as invoices.")],
    record: Annotated[str, typer.Argument(metavar="ID", help="Its id in the ERP, its ledger id, its number or name.")],
    json: AsJson = False,
) -> int:
    """Everything seen, merged and held about one record, in order."""
    try:
        spec_of(entity)
    except SpecError as error:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="explaining a record",
            found=f"entity {entity!r}",
            expected=f"one of {', '.join(spec.name for spec in entities())}",
            next_step="name one of these",
        ) from error
    with services() as house:
        stories = [story for tenant in _tenants(house) for story in _stories(house, tenant, entity, record)]
    if json:
        print_json({"records": stories})
    elif not stories:
        out.print(f"Nothing is known of {entity}/{record}.")
    else:
        for story in stories:
            _print_story(entity, story)
    return EXIT_DONE if stories else EXIT_FOUND_WRONG


def _tenants(house: Services) -> list[str]:
    return sorted({c.tenant for c in house.connections()} | {house.settings.tenant})


def _stories(house: Services, tenant: str, entity: str, record: str) -> list[dict[str, Any]]:
    stories: list[dict[str, Any]] = []
    with house.db.transaction(tenant) as tx:
        bound = history.find(tx, entity, record)
        seen = [(b["connection"], b["external_id"], b) for b in bound]
        # A record that was never merged has no binding: it may be held, or only mirrored.
        known = {(c, x) for c, x, _ in seen}
        for connection in house.connections():
            is_new = connection.tenant == tenant and (connection.name, record) not in known
            if is_new and history.mirror_versions(tx, connection.name, entity, record):
                seen.append((connection.name, record, None))
        for connection_name, external_id, binding in seen:
            ledger_id = binding["ledger_id"] if binding else None
            stories.append(
                {
                    "connection": connection_name,
                    "external_id": external_id,
                    "ledger_id": ledger_id,
                    "binding": binding,
                    "erp_versions": history.mirror_versions(tx, connection_name, entity, external_id),
                    "ledger_versions": history.ledger_versions(tx, entity, ledger_id) if ledger_id else [],
                    "parts": history.parts(tx, entity, ledger_id) if ledger_id else {},
                    "errors": history.record_errors(tx, connection_name, entity, external_id),
                }
            )
    return stories


def _print_story(entity: str, story: dict[str, Any]) -> None:
    out.rule(_title(entity, story))
    events: list[tuple[Any, str, str]] = []
    for version in story["erp_versions"]:
        what = "deleted there" if version["is_deleted"] else f"version token {version['version_token']} seen"
        events.append((version["seen_at"], "mirror", f"{what}, modified {version['modified_at']}"))
    previous: dict[str, Any] = {}
    for version in story["ledger_versions"]:
        row = version["row"]
        events.append(
            (
                version["changed_at"],
                "ledger",
                f"version {version['version']} by {version['changed_by']}: {_changes(previous, row)}",
            )
        )
        previous = row
    if binding := story["binding"]:
        says = f"external id {story['external_id']} is ledger id {story['ledger_id']}"
        events.append((binding["bound_at"], "binding", says))
    for error in story["errors"]:
        events.append((error["first_seen_at"], "held", error["message"]))
        if error["resolved_at"]:
            events.append((error["resolved_at"], "resolved", error["message"]))
    rows = [(f"{at:%Y-%m-%d %H:%M:%S}", stage, says) for at, stage, says in sorted(events, key=lambda e: e[0])]
    print_table("What happened", ["when (UTC)", "where", "what"], rows)
    for name, parts in story["parts"].items():
        if parts:
            ours = {"tenant_id", "changed_at", "part_id", "part_key", parent_column(spec_of(entity))}
            shown = [c for c in parts[0] if c not in ours and any(p[c] not in (None, "") for p in parts)]
            rows = [[_shown(c, p[c]) for c in shown] for p in parts]
            print_table(name.capitalize(), shown, rows, right=[c for c in shown if c.endswith(("amount", "price"))])


def _title(entity: str, story: dict[str, Any]) -> str:
    """Which of its three names was asked for is not known, so all of them stand there."""
    newest = story["ledger_versions"][-1]["row"] if story["ledger_versions"] else {}
    called = next((newest[c] for c in ("document_number", "reference_number", "name") if newest.get(c)), None)
    named = f", called {called}" if called else ""
    return f"{entity}/{story['external_id']} of {story['connection']}, ledger id {story['ledger_id'] or 'none'}{named}"


def _shown(column: str, value: Any) -> Any:
    """Amounts with at least two decimals, as they are written on a document."""
    if not column.endswith(("amount", "price")) or value is None:
        return value
    exact = Decimal(str(value))
    return f"{exact:.2f}" if exact == round(exact, 2) else exact


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    ignored = {"version", "changed_at", "changed_by", "tenant_id", "ledger_id"}
    if not before:
        return ", ".join(
            f"{k}={_shown(k, v)}" for k, v in after.items() if k not in ignored and v not in (None, "", False)
        )
    return (
        ", ".join(
            f"{k}: {_shown(k, before.get(k))} -> {_shown(k, v)}"
            for k, v in after.items()
            if k not in ignored and before.get(k) != v
        )
        or "its lines changed"
    )
