"""Keys for the gateway: made, listed, revoked."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, person, print_json, print_table, services
from resources.stores import api_keys, console_sessions

app = typer.Typer(help="Who may call the gateway.", no_args_is_help=True)
Tenant = Annotated[str | None, typer.Option(help="Whose books; the default tenant if absent.")]


@app.command("make")
@command
def make(
    name: Annotated[str, typer.Argument(help="Who gets it: what it does is signed so.")],
    role: Annotated[str, typer.Option(help=f"{', '.join(api_keys.ROLES)}.")] = "viewer",
    tenant: Tenant = None,
    json: AsJson = False,
) -> int:
    """Make a key. It is shown now and never again."""
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            key = api_keys.make(tx, tenant=whose, name=name, role=role, by=person())
    if json:
        print_json({"key": key, "name": name, "role": role})
    else:
        out.print(key, soft_wrap=True, highlight=False, markup=False)
    return EXIT_DONE


@app.command("link")
@command
def link(
    role: Annotated[str, typer.Option(help=f"{', '.join(api_keys.ROLES)}.")] = "admin",
    address: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:3001",
    tenant: Tenant = None,
    json: AsJson = False,
) -> int:
    """Print a link that logs in to the console, once, within a quarter of an hour."""
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            token = console_sessions.make_link(tx, tenant=whose, name=person(), role=role)
    url = f"{address.rstrip('/')}/console/enter?link={token}"
    if json:
        print_json({"link": url, "role": role, "seconds": console_sessions.LINK_SECONDS})
    else:
        out.print(url, soft_wrap=True, highlight=False, markup=False)
    return EXIT_DONE


@app.command("list")
@command
def list_keys(tenant: Tenant = None, json: AsJson = False) -> int:
    """The keys there are, without their secrets."""
    with services() as house, house.db.transaction(tenant or house.settings.tenant) as tx:
        found = api_keys.list_all(tx)
    rows = [(k.key_id, k.name, k.role, k.made_by, k.made_at, k.revoked_at) for k in found]
    columns = ["key", "name", "role", "made by", "made at", "revoked at"]
    if json:
        names = [column.replace(" ", "_") for column in columns]
        print_json({"keys": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table("Keys of the gateway", columns, rows)
    return EXIT_DONE


@app.command("revoke")
@command
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, as listed.")], tenant: Tenant = None, json: AsJson = False
) -> int:
    """End a key at once."""
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            api_keys.revoke(tx, tenant=whose, key_id=key, by=person())
    if json:
        print_json({"revoked": key})
    else:
        out.print(f"{key} is revoked.")
    return EXIT_DONE
