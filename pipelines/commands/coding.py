"""Codes: our words for accounts, terms, payment methods and tax codes, and the ERP's ids of them."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.spec import CODE_LISTS
from pipelines.commands.console import EXIT_DONE, AsJson, command, out, person, print_json, print_table, services
from resources.errors import ErrorKind, TieoutError
from resources.stores import code_maps

app = typer.Typer(help="Our words for what the ERP has ids for.", no_args_is_help=True)

ConnectionName = Annotated[str, typer.Argument(help="The connection.")]
ListName = Annotated[str, typer.Argument(metavar="LIST", help=f"{', '.join(CODE_LISTS)}.")]


@app.command("list")
@command
def list_codes(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    json: AsJson = False,
) -> int:
    """Every code that is mapped."""
    with services() as house:
        chosen = [house.connection(connection)] if connection else house.connections()
        found = []
        for one in chosen:
            with house.db.transaction(one.tenant) as tx:
                found += code_maps.read_all(tx, one.name)
    rows = [(e.connection, e.list, e.code, e.external_id) for e in found]
    if json:
        print_json({"codes": [dict(zip(("connection", "list", "code", "external_id"), r, strict=True)) for r in rows]})
    elif not rows:
        out.print("No code is mapped: a code that is the ERP's own id needs no map.")
    else:
        print_table("Codes", ["connection", "list", "our code", "external id"], rows)
    return EXIT_DONE


@app.command("map")
@command
def map_codes(
    connection: ConnectionName,
    list_name: ListName,
    pairs: Annotated[list[str], typer.Argument(metavar="OUR_CODE=EXTERNAL_ID...", help="One or several.")],
    json: AsJson = False,
) -> int:
    """Say which id of the ERP a code of ours stands for. What waited for it is pushed by itself."""
    codes: dict[str, str] = {}
    for pair in pairs:
        # Our words may hold an equals sign, ids of the ERPs do not.
        code, sign, external_id = pair.rpartition("=")
        if not (code and sign and external_id) or code in codes:
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=connection,
                doing=f"mapping codes of {list_name}",
                found=f"{code} twice" if code in codes else pair,
                expected="OUR_CODE=EXTERNAL_ID, each code once",
                next_step="call it again so",
            )
        codes[code] = external_id
    with services() as house:
        tenant = house.connection(connection).tenant
        with house.db.transaction(tenant) as tx:
            changed = code_maps.put(
                tx, tenant=tenant, connection=connection, list_name=list_name, codes=codes, actor=person()
            )
    if json:
        print_json({"connection": connection, "list": list_name, "mapped": changed})
    else:
        out.print(f"{connection}: mapped {', '.join(changed)}." if changed else f"{connection}: that was so already.")
    return EXIT_DONE


@app.command("unmap")
@command
def unmap_codes(
    connection: ConnectionName,
    list_name: ListName,
    codes: Annotated[list[str], typer.Argument(metavar="OUR_CODE...", help="One or several.")],
    json: AsJson = False,
) -> int:
    """Forget which id a code stands for. What has been pushed stays as it is."""
    with services() as house:
        tenant = house.connection(connection).tenant
        with house.db.transaction(tenant) as tx:
            removed = code_maps.remove(
                tx, tenant=tenant, connection=connection, list_name=list_name, codes=codes, actor=person()
            )
    if json:
        print_json({"connection": connection, "list": list_name, "unmapped": removed})
    else:
        out.print(f"{connection}: unmapped {', '.join(removed)}." if removed else f"{connection}: none was mapped.")
    return EXIT_DONE
