"""Breaks between both books: listing them, looking at one, and what a person says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import typer

from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    out,
    person,
    print_json,
    print_table,
    services,
)
from resources.errors import ErrorKind, TieoutError
from resources.stores import breaks
from resources.stores.breaks import EVERY_CURRENCY, KeptBreak, State, Tolerance

app = typer.Typer(help="Differences between both books, from run to run.", no_args_is_help=True)

BreakId = Annotated[int, typer.Argument(metavar="ID", help="The break's id, as listed.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so; the name you are logged in with if absent.")]


@app.command("list")
@command
def list_breaks(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    all_states: Annotated[bool, typer.Option("--all", help="Those that are resolved as well.")] = False,
    json: AsJson = False,
) -> int:
    """What does not tie out, the loudest first; exit 1 if any break is open."""
    states: tuple[State, ...] = ("open", "explained", "resolved") if all_states else ("open", "explained")
    found: list[KeptBreak] = []
    with services() as house:
        for one in [house.connection(connection)] if connection else house.connections():
            with house.db.transaction(one.tenant) as tx:
                found += breaks.list_of(tx, one.name, states=states)
    if json:
        print_json({"breaks": [_as_json(one) for one in found]})
    elif not found:
        out.print("No break.")
    else:
        print_table(
            f"{len(found)} break{'s' * (len(found) != 1)}",
            ["id", "severity", "state", "connection", "module", "amount", "cause", "what", "owner", "age"],
            [
                (
                    one.break_id,
                    one.severity,
                    one.state,
                    one.connection,
                    one.module,
                    f"{one.amount:,.2f} {one.currency}",
                    one.cause,
                    f"{one.identity} ({one.kind})",
                    one.owner or "",
                    _age(one),
                )
                for one in found
            ],
            right=["amount", "age"],
        )
        out.print("Look at one with `tieout breaks show ID`.", highlight=False)
    return EXIT_FOUND_WRONG if any(one.state == "open" for one in found) else EXIT_DONE


@app.command("show")
@command
def show(break_id: BreakId, json: AsJson = False) -> int:
    """One break: what differs, why, and what was said of it."""
    with services() as house:
        found = _find(house, break_id)
    if json:
        print_json(_as_json(found))
        return EXIT_DONE
    _print(found)
    return EXIT_DONE


@app.command("own")
@command
def own(
    break_id: BreakId,
    owner: Annotated[str, typer.Argument(help="Who looks after it.")],
    by: By = None,
    json: AsJson = False,
) -> int:
    """Say who looks after a break."""
    return _write(break_id, json, by=by, owner=owner)


@app.command("note")
@command
def note(
    break_id: BreakId,
    text: Annotated[str, typer.Argument(help="What is to be known.")],
    by: By = None,
    json: AsJson = False,
) -> int:
    """Write a note to a break, in place of the one before."""
    return _write(break_id, json, by=by, note=text)


@app.command("explain")
@command
def explain(
    break_id: BreakId,
    text: Annotated[str, typer.Argument(help="Why it is as it is.")],
    by: By = None,
    json: AsJson = False,
) -> int:
    """Explain a break: it stays listed, and is open again if its amount changes."""
    return _write(break_id, json, by=by, note=text, state="explained")


@app.command("reopen")
@command
def reopen(break_id: BreakId, by: By = None, json: AsJson = False) -> int:
    """Take an explanation back."""
    return _write(break_id, json, by=by, state="open")


@app.command("tolerance")
@command
def tolerance(
    currency: Annotated[
        str | None, typer.Argument(help="One currency; all without one of their own if absent.")
    ] = None,
    warning: Annotated[str | None, typer.Option(help="More than this amount is a warning.")] = None,
    critical: Annotated[str | None, typer.Option(help="More than this amount is critical.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose books; the default tenant if absent.")] = None,
    by: By = None,
    json: AsJson = False,
) -> int:
    """Show the tolerances, or set one; breaks take it with the next reconciliation."""
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            known = breaks.tolerances(tx)
            if warning is not None or critical is not None:
                key = currency.upper() if currency else EVERY_CURRENCY
                held = known.get(key) or known.get(EVERY_CURRENCY) or Tolerance()
                known[key] = _checked(
                    Tolerance(
                        _amount(warning) if warning is not None else held.warning_amount,
                        _amount(critical) if critical is not None else held.critical_amount,
                    )
                )
                breaks.set_tolerance(tx, tenant=whose, currency=key, tolerance=known[key], by=by or person())
    known.setdefault(EVERY_CURRENCY, Tolerance())
    if json:
        print_json(
            {
                "tolerances": {
                    key or "every other": {"warning": one.warning_amount, "critical": one.critical_amount}
                    for key, one in sorted(known.items())
                }
            }
        )
    else:
        print_table(
            "A break of more than",
            ["currency", "is a warning", "is critical"],
            [
                (key or "every other", f"{one.warning_amount:,.2f}", f"{one.critical_amount:,.2f}")
                for key, one in sorted(known.items())
            ],
            right=["is a warning", "is critical"],
        )
    return EXIT_DONE


def _write(
    break_id: int,
    json: bool,
    *,
    by: str | None,
    owner: str | None = None,
    note: str | None = None,
    state: Literal["open", "explained"] | None = None,
) -> int:
    with services() as house:
        held = _find(house, break_id)
        with house.db.transaction(held.tenant_id) as tx:
            found = breaks.write(tx, break_id, by=by or person(), owner=owner, note=note, state=state)
    if json:
        print_json(_as_json(found))
    else:
        _print(found)
    return EXIT_DONE


def _find(house: Any, break_id: int) -> KeptBreak:
    """The break, whichever tenant's it is: ids are unique over all of them."""
    for tenant in house.tenants():
        with house.db.transaction(tenant) as tx:
            try:
                return breaks.get(tx, break_id)
            except TieoutError as error:
                missing = error
    raise missing


def _print(one: KeptBreak) -> None:
    out.print(
        f"break {one.break_id} of {one.connection}: {one.module} {one.amount:,.2f} {one.currency}, {one.cause}, "
        f"{one.severity}, {one.state}",
        style="bold",
        highlight=False,
    )
    out.print(one.says, highlight=False, markup=False)
    if one.fields:
        print_table("What differs", ["field", "ledger", "ERP"], [tuple(row) for row in one.fields])
    out.print(
        f"Seen first {one.first_seen_at:%Y-%m-%d %H:%M}Z, last {one.last_seen_at:%Y-%m-%d %H:%M}Z"
        + (f", resolved {one.resolved_at:%Y-%m-%d %H:%M}Z" if one.resolved_at else ""),
        highlight=False,
    )
    for title, value in (("Owner", one.owner), ("Note", one.note), ("Last written by", one.changed_by)):
        if value:
            out.print(f"{title}: {value}", highlight=False, markup=False)
    if one.entity and one.external_id:
        out.print(f"See also `tieout explain {one.entity} {one.external_id}`.", highlight=False)


def _as_json(one: KeptBreak) -> dict[str, Any]:
    names = [name for name in KeptBreak.__dataclass_fields__ if name not in ("tenant_id", "fields", "run_id")]
    fields = [dict(zip(("field", "ledger", "erp"), row, strict=True)) for row in one.fields]
    return {**{name: getattr(one, name) for name in names}, "fields": fields, "age_days": _days(one)}


def _days(one: KeptBreak) -> int:
    return ((one.resolved_at or datetime.now(UTC)) - one.first_seen_at).days


def _age(one: KeptBreak) -> str:
    days = _days(one)
    return "today" if days == 0 else f"{days} d"


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise TieoutError(
            ErrorKind.VALIDATION, doing="setting a tolerance", found=repr(text), expected="an amount such as 100.00"
        )
    return amount


def _checked(found: Tolerance) -> Tolerance:
    if found.critical_amount < found.warning_amount:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="setting a tolerance",
            found=f"critical {found.critical_amount:,.2f} below warning {found.warning_amount:,.2f}",
            expected="critical to be no less than warning",
        )
    return found
