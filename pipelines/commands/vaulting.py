"""The vault: which master keys there are, changing them, taking in plain secrets, cleaning up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, print_json, print_table, progress, services
from resources import vaulting

app = typer.Typer(help="Secrets, and the keys that seal them.", no_args_is_help=True)


@app.command("status")
@command
def status(json: AsJson = False) -> int:
    """Which master keys there are and how much is sealed with each. Shows no key and no secret."""
    with services() as house:
        counted = vaulting.sealed_by_key(house)
        keys = [
            {"key": key_id, "seals": key_id == house.keeper.key_id, "sealed": counted[key_id]}
            for key_id in house.keeper.key_ids
        ]
    if json:
        print_json({"keys": keys})
    else:
        rows = [(k["key"], "seals" if k["seals"] else "opens", k["sealed"]) for k in keys]
        print_table("Master keys", ["key", "does", "sealed with it"], rows, right=["sealed with it"])
    return EXIT_DONE


@app.command("rotate")
@command
def rotate(json: AsJson = False) -> int:
    """Seal everything with a new master key, while everybody works on. Safe to interrupt and to repeat."""
    with services() as house, progress("Rotating the master key") as says:
        done = vaulting.rotate(house, says=says)
    if json:
        print_json({"key": done.key_id, "made": done.made, "rewrapped": done.rewrapped, "before": done.before})
    else:
        new = "A new key" if done.made else "The key"
        out.print(f"{new}, {done.key_id}, seals everything now: {done.rewrapped} sealed anew.")
        if done.before:
            out.print(f"{', '.join(done.before)} still opens. `tieout vault retire` takes it away.")
    return EXIT_DONE


@app.command("retire")
@command
def retire(json: AsJson = False) -> int:
    """Take away every master key but the newest; refused while anything is sealed with one."""
    with services() as house:
        gone = vaulting.retire(house)
    if json:
        print_json({"retired": gone})
    else:
        out.print(f"Retired {', '.join(gone)}." if gone else "There is one key, and it is in use.")
    return EXIT_DONE


@app.command("take-in")
@command
def take_in(
    connection: Annotated[str, typer.Argument(help="Whose secrets they are.")],
    file: Annotated[
        Path, typer.Argument(help="A JSON object, or lines of KEY=value. Erased when all is in the vault.")
    ],
    json: AsJson = False,
) -> int:
    """Bring secrets from a plain file into the vault, read them back, and erase the file."""
    with services() as house:
        names = vaulting.take_in(house, connection, file)
    if json:
        print_json({"connection": connection, "taken_in": names, "erased": str(file)})
    else:
        out.print(f"{connection}: {', '.join(names)} are in the vault; {file} is erased.")
    return EXIT_DONE


@app.command("clean")
@command
def clean(
    days: Annotated[int, typer.Option(min=0, help="How long what has ended is kept.")] = vaulting.DAYS_KEPT,
    json: AsJson = False,
) -> int:
    """Erase secrets and tokens that can be of no use any more."""
    with services() as house:
        erased = vaulting.clean(house, days_kept=days)
    if json:
        print_json({"erased": erased})
    else:
        out.print(", ".join(f"{count} {what}" for what, count in erased.items()) + " erased.", highlight=False)
    return EXIT_DONE
