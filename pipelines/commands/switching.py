"""Switching modules and directions of connections off and on, and maintenance."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, person, print_json, print_table, services
from resources.errors import ErrorKind, TieoutError
from resources.stores import switches as store

IsOn = Annotated[bool | None, typer.Option("--on/--off", help="Switch it on, or off.")]


@command
def switch(
    connection: Annotated[str, typer.Argument(help="The connection.")],
    is_on: IsOn = None,
    module: Annotated[str, typer.Option(help="ar, ap or all.")] = store.EVERY_MODULE,
    direction: Annotated[str, typer.Option(help="pull, push or bidirectional.")] = store.BOTH_DIRECTIONS,
    reason: Annotated[str, typer.Option(help="Why; required to switch off.")] = "",
    json: AsJson = False,
) -> int:
    """Switch pulling or pushing of receivables or payables of a connection off, or on again."""
    doing = f"switching {connection}"
    _check(doing, "--module", module, (*store.MODULES, store.EVERY_MODULE))
    _check(doing, "--direction", direction, (*store.DIRECTIONS, store.BOTH_DIRECTIONS))
    if is_on is None:
        raise _wrong(doing, "neither --on nor --off", "one of them")
    if not is_on and not reason:
        raise _wrong(doing, "no --reason", "a reason that whoever wonders can read: --reason TEXT")
    with services() as house:
        found = house.connection(connection)
        with house.db.transaction(found.tenant) as tx:
            changed = store.switch(
                tx,
                tenant=found.tenant,
                connection=connection,
                module=module,
                direction=direction,
                is_on=is_on,
                actor=person(),
                reason=reason,
            )
    told = [f"{one} {way}" for one, way in changed]
    if json:
        print_json({"connection": connection, "is_on": is_on, "switched": told})
    elif told:
        out.print(f"{connection}: switched {'on' if is_on else 'off'}: {', '.join(told)}.")
    else:
        out.print(f"{connection}: that was {'on' if is_on else 'off'} already.")
    return EXIT_DONE


@command
def maintenance(
    state: Annotated[str, typer.Argument(metavar="on|off", help="Begin it, or end it.")],
    reason: Annotated[str, typer.Option(help="Why; required to begin it.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Whose books; the default tenant if absent.")] = None,
    json: AsJson = False,
) -> int:
    """Stop all writing into the ERPs of a tenant, or let it go on; what they change is read all the same."""
    doing = "switching maintenance"
    _check(doing, "", state, ("on", "off"))
    if state == "on" and not reason:
        raise _wrong(doing, "no --reason", "a reason that whoever wonders can read: --reason TEXT")
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            is_changed = store.set_maintenance(tx, tenant=whose, is_on=state == "on", actor=person(), reason=reason)
    if json:
        print_json({"tenant": whose, "maintenance": state == "on", "changed": is_changed})
    else:
        out.print(f"{whose}: maintenance is {state}{'' if is_changed else ' already'}.")
    return EXIT_DONE


@command
def switches(json: AsJson = False) -> int:
    """What is switched off, since when, by whom and why."""
    found: list[dict[str, Any]] = []
    with services() as house:
        for tenant in house.tenants():
            with house.db.transaction(tenant) as tx:
                found += [
                    {
                        "tenant": tenant,
                        "connection": s.connection or None,
                        "module": s.module,
                        "direction": s.direction,
                        "reason": s.reason,
                        "switched_by": s.switched_by,
                        "switched_at": s.switched_at,
                    }
                    for s in store.read_all(tx, tenant)
                ]
    if json:
        print_json({"switched_off": found})
    elif not found:
        out.print("Nothing is switched off.")
    else:
        print_table(
            "Switched off",
            ["tenant", "connection", "module", "direction", "since", "by", "why"],
            [
                (
                    s["tenant"],
                    s["connection"] or "maintenance of all",
                    s["module"],
                    s["direction"],
                    f"{s['switched_at']:%Y-%m-%d %H:%M:%S}Z",
                    s["switched_by"],
                    s["reason"],
                )
                for s in found
            ],
        )
    return EXIT_DONE


def _check(doing: str, option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise _wrong(doing, f"{option} {value}".strip(), f"one of {', '.join(allowed)}")


def _wrong(doing: str, found: str, expected: str) -> TieoutError:
    return TieoutError(ErrorKind.VALIDATION, doing=doing, found=found, expected=expected, next_step="call it again so")
