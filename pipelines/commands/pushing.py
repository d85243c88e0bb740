"""Pushing: what was edited in the ledger, looked at (`--plan`), saved and signed, or written into the ERP."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
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
)
from pipelines.commands.syncing import (
    ConnectionName,
    chosen_connections,
    house_of_process,
    open_errors_of,
    outcome_of,
    print_errors,
    print_failures,
    print_outcome,
    print_what_is_off,
)
from pipelines.running import run_job
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.review import Review, approved_keys, review, sign
from resources.stores import conflicts

_SHOWN_CHARACTERS_MAX = 60
# The key that saved plans are signed with.
PLANS = "key_of_plans"


@command
def push(
    connection: ConnectionName = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be sent and what it changes; send nothing.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="With --plan: write it, signed, to a file.")] = None,
    apply: Annotated[Path | None, typer.Option(help="Push exactly a saved plan; refused if either side moved.")] = None,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Send again what the ERP has refused, and plan anew what can no longer be read."),
    ] = False,
    json: AsJson = False,
) -> int:
    """Write what was edited in the ledger into the ERP, each edit exactly once."""
    if (save and not plan) or (apply and plan) or ((save or apply) and connection is None):
        err.print(
            "tieout push: found options that do not go together: --save goes with --plan, --apply without it, and both "
            "with one CONNECTION",
            style="red",
            soft_wrap=True,
        )
        return EXIT_USAGE
    with house_of_process() as house:
        if plan:
            return _show_plans(house, connection, save, json)
        return _push(house, connection, apply, retry, json)


def _push(house: Services, connection: str | None, apply: Path | None, retry: bool, json: bool) -> int:
    from pipelines.jobs import PUSH

    chosen = chosen_connections(house, connection)
    approved = None
    with progress(PUSH) as says:
        if apply is not None:
            (only,) = chosen
            says("comparing the plan")
            plan = _saved(apply, only.name)
            approved = approved_keys(house, only, plan, house.signing_key(only.tenant, PLANS), _today())
        ran = run_job(house, PUSH, chosen, says=says, approved=approved, retry_refused=retry)
    report = {r.connection: outcome_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
    open_errors = {name: open_errors_of(house, name) for name in report}
    held = {name: _conflict_count(house, name) for name in report}
    failed = print_failures(ran, open_errors)
    is_held = any(e["stage"] == "push" for found in open_errors.values() for e in found) or any(held.values())
    if json:
        print_json(
            {
                "connections": report,
                "errors": {name: found for name, found in open_errors.items() if found},
                "conflicts": held,
                "ok": not failed and not is_held,
            }
        )
    else:
        for name, entities in report.items():
            if name in failed:
                out.print(f"{name}: the push failed; what it had written until then is recorded.")
            print_outcome(name, entities)
            print_what_is_off(house, name, "push")
            print_errors(name, open_errors[name])
            if held[name]:
                out.print(f"{name}: {held[name]} held in conflicts: see `tieout conflicts list`")
    return EXIT_FOUND_WRONG if failed or is_held else EXIT_DONE


def _show_plans(house: Services, connection: str | None, save: Path | None, json: bool) -> int:
    found: list[Review] = []
    with progress("Planning") as says:
        for one in chosen_connections(house, connection):
            says(one.name)
            found.append(review(house, one.name, _today()))
    if save is not None:
        (only,) = found
        try:
            save.write_bytes(sign(only, house.signing_key(house.connection(only.connection).tenant, PLANS)))
        except OSError as error:
            raise _no_file(only.connection, "saving the plan", save, error, "a file that can be written") from error
    if json:
        print_json({"connections": {one.connection: _as_json(one) for one in found}})
    else:
        for one in found:
            _print_review(one)
            print_what_is_off(house, one.connection, "push")
        if save is not None:
            out.print(f"Saved and signed: {save}. Push exactly this with `tieout push {connection} --apply {save}`.")
    return EXIT_FOUND_WRONG if any(one.held for one in found) else EXIT_DONE


def _saved(file: Path, connection: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        expected = "one that `tieout push --plan --save` made"
        raise _no_file(connection, "applying a plan", file, error, expected) from error


def _no_file(connection: str, doing: str, file: Path, error: OSError, expected: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=connection,
        doing=doing,
        found=f"{file}: {error.strerror or error}",
        expected=expected,
        next_step="name another file",
    )


def _print_review(found: Review) -> None:
    if not (found.pending or found.held or found.behind):
        out.print(f"{found.connection}: nothing is pending.")
        return
    for one in found.pending:
        waits = f" (after {', '.join(one.waits_for)})" if one.waits_for else ""
        name = f"{one.entity}/{one.external_id or f'#{one.ledger_id}'}"
        out.print(f"{one.operation} {name}{waits}", style="bold", markup=False, highlight=False)
        for path, there, to_be in one.changes:
            if there is not None:
                out.print(f"  - {path}: {_short(there)}", style="red", markup=False, highlight=False)
            if to_be is not None:
                out.print(f"  + {path}: {_short(to_be)}", style="green", markup=False, highlight=False)
    for entity, held in found.held:
        says = "; ".join(f"{r.field}: found {r.found}, expected {r.expected}" for r in held.refusals)
        err.print(
            f"held {entity}/{held.external_id or f'#{held.ledger_id}'}: {says}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if found.behind:
        out.print(f"{found.behind} moved over there: they are pulled and merged before they are pushed.")
    rows = [(*place, f"{amount:+,.2f}") for place, amount in sorted(found.effects().items())]
    print_table(
        f"{found.connection}: {len(found.pending)} to push; what it does to the balances in the ERP",
        ["module", "currency", "age", "change"],
        rows or [("none", "", "", "0.00")],
        right=["change"],
    )


def _as_json(found: Review) -> dict[str, Any]:
    return {
        "pending": [
            {
                "entity": one.entity,
                "ledger_id": one.ledger_id,
                "external_id": one.external_id,
                "operation": one.operation,
                "key": one.key,
                "waits_for": list(one.waits_for),
                "changes": [{"path": path, "there": there, "to_be": to_be} for path, there, to_be in one.changes],
            }
            for one in found.pending
        ],
        "held": [
            {
                "entity": entity,
                "ledger_id": held.ledger_id,
                "external_id": held.external_id,
                "refusals": [{"field": r.field, "found": r.found, "expected": r.expected} for r in held.refusals],
            }
            for entity, held in found.held
        ],
        "behind": found.behind,
        "effects": [
            {"module": module, "currency": currency, "age": bucket, "change": amount}
            for (module, currency, bucket), amount in sorted(found.effects().items())
        ],
    }


def _conflict_count(house: Services, name: str) -> int:
    with house.db.transaction(house.connection(name).tenant) as tx:
        return conflicts.open_count(tx, name)


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal | int | bool) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"


def _today() -> Any:
    return datetime.now(UTC).date()
