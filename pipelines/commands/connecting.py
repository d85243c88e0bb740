"""Connections: list, add, test, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, print_json, print_table, progress, services
from resources.connecting import add_connection, remove_connection, test_connection
from resources.erps import erp_names
from resources.errors import ErrorKind, TieoutError

app = typer.Typer(help="ERP companies we talk to.", no_args_is_help=True)


@app.command("list")
@command
def list_connections(json: AsJson = False) -> int:
    """Every connection, its state, and when it is pulled next."""
    with services() as house:
        found = house.connections()
    if json:
        print_json(
            {
                "connections": [
                    {
                        "name": c.name,
                        "erp": c.erp,
                        "tenant": c.tenant,
                        "state": c.state,
                        "meeting": c.meeting,
                        "company": c.company_name,
                        "home_currency": c.home_currency,
                        "base_url": c.base_url,
                        "next_pull_at": c.next_pull_at,
                    }
                    for c in found
                ]
            }
        )
    elif not found:
        out.print("No connection yet: add one with `tieout connections add`, or run `make demo`.")
    else:
        print_table(
            "Connections",
            ["name", "erp", "tenant", "company", "currency", "state", "next pull"],
            [
                (
                    c.name,
                    c.erp,
                    c.tenant,
                    c.company_name,
                    c.home_currency,
                    c.state,
                    f"{c.next_pull_at:%Y-%m-%d %H:%M:%S}Z",
                )
                for c in found
            ],
        )
    return EXIT_DONE


@app.command("add")
@command
def add(
    erp: Annotated[str, typer.Argument(help=f"Which ERP: {', '.join(erp_names())}.")],
    name: Annotated[str, typer.Option(help="What to call the connection: a-z, 0-9, _ and -.")],
    values: Annotated[list[str], typer.Option("--set", help="key=value, in the ERP's own words; may be repeated.")],
    base_url: Annotated[str | None, typer.Option(help="Send all traffic, OAuth included, to a simulator.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose books; the default tenant if absent.")] = None,
    json: AsJson = False,
) -> int:
    """Enter a connection. Secrets go into the vault, encrypted, and nowhere else."""
    pairs: dict[str, str] = {}
    for value in values:
        key, sign, text = value.partition("=")
        if not sign:
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=name,
                doing="adding the connection",
                found=f"--set {key}",
                expected="--set key=value",
            )
        pairs[key] = text
    with services() as house, progress(f"Adding {name}"):
        add_connection(
            house, name=name, erp=erp, tenant=tenant or house.settings.tenant, base_url=base_url, values=pairs
        )
        must_meet = house.connection(name).meeting == "pending"
    if json:
        print_json({"added": name, "must_meet": must_meet})
    else:
        then = f"tieout meet {name}" if must_meet else f"tieout sync {name}"
        out.print(f"Added {name}. Try it with `tieout connections test {name}`, then `{then}`.")
        if must_meet:
            out.print("The ledger has records of its own: nothing is merged or pushed before both books have met.")
    return EXIT_DONE


@app.command("test")
@command
def test(name: Annotated[str, typer.Argument(help="The connection.")], json: AsJson = False) -> int:
    """Ask the company who it is."""
    with services() as house, progress(f"Asking {name}"):
        report = test_connection(house, name)
    if json:
        print_json(
            {
                "connection": name,
                "company": report.company_name,
                "home_currency": report.home_currency,
                "country": report.country,
                "granted_until": report.granted_until,
                "forecast": None
                if report.forecast is None
                else {
                    "calls": report.forecast.calls,
                    "calls_per_day": report.forecast.calls_per_day,
                    "calls_left": report.forecast.calls_left,
                    "day_percent": int(report.forecast.day_share),
                    "ends_at": report.forecast.ends_at,
                },
                "warnings": list(report.warnings),
            }
        )
    else:
        until = f", granted until {report.granted_until:%Y-%m-%d}" if report.granted_until else ""
        out.print(f"{name} is {report.company_name} ({report.home_currency}{until}).")
        if report.forecast is not None:
            out.print(f"{name}: a first sync: {report.forecast}.")
        for warning in report.warnings:
            out.print(f"{name}: {warning}.")
    return EXIT_DONE


@app.command("remove")
@command
def remove(name: Annotated[str, typer.Argument(help="The connection.")], json: AsJson = False) -> int:
    """Forget a connection and its secrets. What it brought into the books stays."""
    with services() as house, progress(f"Removing {name}"):
        remove_connection(house, name)
    if json:
        print_json({"removed": name})
    else:
        out.print(f"Removed {name} and its secrets; its records stay in the mirror and the ledger.")
    return EXIT_DONE
