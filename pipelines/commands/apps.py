"""Apps: what companies of an ERP are connected by, in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, person, print_json, print_table, services
from resources.apps import set_app
from resources.errors import ErrorKind, TieoutError

app = typer.Typer(help="The apps by which companies are connected in a browser.", no_args_is_help=True)
Tenant = Annotated[str | None, typer.Option(help="Whose; the default tenant's if absent.")]


@app.command("set")
@command
def set_(
    erp: Annotated[str, typer.Argument(help="Which ERP.")],
    values: Annotated[list[str], typer.Option("--set", help="key=value, in the ERP's own words; may be repeated.")],
    base_url: Annotated[str | None, typer.Option(help="Send all traffic, OAuth included, to a simulator.")] = None,
    tenant: Tenant = None,
    json: AsJson = False,
) -> int:
    """Keep the app that is registered with an ERP, in place of the one there was. Its secrets go into the vault."""
    pairs: dict[str, str] = {}
    for value in values:
        key, sign, text = value.partition("=")
        if not sign:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing=f"setting the app of {erp}",
                found=f"--set {key}",
                expected="--set key=value",
            )
        pairs[key] = text
    with services() as house:
        set_app(house, tenant=tenant or house.settings.tenant, erp=erp, base_url=base_url, values=pairs, by=person())
    if json:
        print_json({"set": erp})
    else:
        out.print(f"Companies of {erp} are connected by this app: open /connect/{erp}?name=NAME of the gateway.")
    return EXIT_DONE


@app.command("list")
@command
def list_apps(tenant: Tenant = None, json: AsJson = False) -> int:
    """The apps there are, without their secrets."""
    with services() as house, house.db.transaction(tenant or house.settings.tenant) as tx:
        found = tx.execute("select erp, base_url, settings, set_by, set_at from sync.apps order by erp").fetchall()
    names = ["erp", "base_url", "settings", "set_by", "set_at"]
    if json:
        print_json({"apps": [dict(zip(names, row, strict=True)) for row in found]})
    else:
        rows = [
            (erp, url, ", ".join(f"{k}={v}" for k, v in settings.items()), by, at)
            for erp, url, settings, by, at in found
        ]
        print_table("Apps", ["erp", "base url", "settings", "set by", "set at"], rows)
    return EXIT_DONE
