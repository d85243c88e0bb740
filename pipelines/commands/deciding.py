"""Deciding what both books changed: conflicts, and the policies that decide them beforehand."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ledger.policies import Policy, Side
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    out,
    person,
    print_json,
    print_table,
    progress,
    services,
)
from resources.errors import ErrorKind, TieoutError
from resources.stages.deciding import Decision
from resources.stages.resolve import conflict_transaction, resolve
from resources.stores import conflicts, policies
from resources.stores.conflicts import Conflict

conflicts_app = typer.Typer(help="Records that both sides changed, held for a person.", no_args_is_help=True)
policies_app = typer.Typer(help="Who wins where both sides changed the same thing.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--by", help="Who decides; the name you are logged in with if absent.")]
Tenant = Annotated[str | None, typer.Option(help="Whose books; the default tenant if absent.")]
ConflictId = Annotated[int, typer.Argument(metavar="ID", help="The conflict's id, as listed.")]


@conflicts_app.command("list")
@command
def list_conflicts(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    json: AsJson = False,
) -> int:
    """What is held because both sides changed it; exit 1 if there is any."""
    with services() as house:
        chosen = [house.connection(connection)] if connection else house.connections()
        found: list[Conflict] = []
        for one in chosen:
            with house.db.transaction(one.tenant) as tx:
                found += conflicts.list_open(tx, one.name)
    if json:
        print_json({"conflicts": [_summary(one) for one in found]})
    elif not found:
        out.print("No open conflict.")
    else:
        print_table(
            f"{len(found)} open conflict{'s' * (len(found) != 1)}",
            ["id", "kind", "record", "what", "since"],
            [
                (
                    one.conflict_id,
                    one.kind,
                    f"{one.connection}/{one.record}",
                    one.says,
                    f"{one.opened_at:%Y-%m-%d %H:%M}Z",
                )
                for one in found
            ],
        )
        out.print("Look at one with `tieout conflicts show ID`.", highlight=False)
    return EXIT_FOUND_WRONG if found else EXIT_DONE


@conflicts_app.command("show")
@command
def show(conflict_id: ConflictId, json: AsJson = False) -> int:
    """One conflict: what is in conflict, both versions, and the base they last agreed on."""
    with services() as house, conflict_transaction(house, conflict_id) as tx:
        found = conflicts.get(tx, conflict_id)
    if json:
        records = {name: text and jsonlib.loads(text) for name, text in _texts(found).items()}
        print_json({**_summary(found), **records, "version_token": found.version_token})
        return EXIT_DONE
    out.print(f"{found.connection}: {found.record}: {found.kind}, {found.state}", style="bold", highlight=False)
    out.print(found.says, highlight=False, markup=False)
    print_table(
        "In conflict",
        ["field", "agreed on", "ours", "theirs"],
        [(f["name"], *(_told(f[side]) for side in ("base", "ours", "theirs"))) for f in found.fields],
    )
    listed = {f["name"] for f in found.fields}
    others = [row for row in _differences(found) if row[0] not in listed]
    if others:
        print_table("Changed on one side only", ["field", "agreed on", "ours", "theirs"], others)
    if found.state == "open":
        out.print(_ways_out(found), highlight=False, markup=False)
    elif found.resolution:
        out.print(f"{found.ended_by} decided: {jsonlib.dumps(found.resolution)}", highlight=False, markup=False)
    return EXIT_DONE


@conflicts_app.command("resolve")
@command
def resolve_conflict(
    conflict_id: ConflictId,
    keep: Annotated[Side | None, typer.Option(help="Whose version counts where both changed something.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="NAME=ours or NAME=theirs; may be repeated.")] = None,
    separate: Annotated[bool, typer.Option("--separate", help="A possible duplicate: they are two records.")] = False,
    is_record: Annotated[
        str | None, typer.Option("--as", help="A possible duplicate: which record there it is, by its id.")
    ] = None,
    by: By = None,
    json: AsJson = False,
) -> int:
    """Decide one conflict: the ledger says it at once, the next push brings it over there."""
    choices = dict(_choice(conflict_id, text) for text in field or ())
    decision = Decision(by or person(), keep, choices, separate, is_record)
    with services() as house, progress(f"Deciding {conflict_id}"):
        decided = resolve(house, conflict_id, decision)
    if json:
        print_json(
            {
                "resolved": conflict_id,
                "by": decision.by,
                "decision": decision.as_json(),
                "ledger_version": decided.ledger_version,
                "is_to_be_pushed": decided.is_to_be_pushed,
            }
        )
    else:
        what = "is deleted in the ledger" if decided.record is None else "is decided in the ledger"
        then = "; the next push tells the ERP" if decided.is_to_be_pushed else "; the ERP has it like this already"
        out.print(f"{decided.conflict.connection}: {decided.conflict.record} {what}{then}.", highlight=False)
    return EXIT_DONE


@policies_app.command("list")
@command
def list_policies(tenant: Tenant = None, json: AsJson = False) -> int:
    """What is set; what is not goes to the field's owner, and without one to a person."""
    with services() as house, house.db.transaction(tenant or house.settings.tenant) as tx:
        found = policies.list_all(tx)
    if json:
        print_json(
            {
                "policies": [
                    {"entity": p.entity, "field": p.field, "policy": p.policy, "set_by": p.set_by, "set_at": p.set_at}
                    for p in found
                ]
            }
        )
    elif not found:
        out.print("No policy is set: owned fields go to their owner, all else is for a person to decide.")
    else:
        rows = [(p.entity or "all", p.field or "all that nobody owns", p.policy, p.set_by) for p in found]
        print_table("Policies", ["entity", "field", "policy", "set by"], rows)
    return EXIT_DONE


Name = Annotated[
    str, typer.Argument(metavar="ENTITY[.FIELD]", help="Such as customers, customers.email; all.FIELD, all.")
]


@policies_app.command("set")
@command
def set_policy(
    name: Name,
    policy: Annotated[Policy, typer.Argument(help="Who wins.")],
    by: By = None,
    tenant: Tenant = None,
    json: AsJson = False,
) -> int:
    """Decide beforehand who wins; what is open already stays for a person."""
    entity, field = _named(name)
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            policies.put(tx, tenant=whose, entity=entity, field=field, policy=policy, by=by or person())
    if json:
        print_json({"entity": entity, "field": field, "policy": policy.value})
    else:
        out.print(f"{name}: {policy.value}.", highlight=False)
    return EXIT_DONE


@policies_app.command("unset")
@command
def unset_policy(name: Name, by: By = None, tenant: Tenant = None, json: AsJson = False) -> int:
    """Take a policy back; exit 1 if there was none."""
    entity, field = _named(name)
    with services() as house:
        whose = tenant or house.settings.tenant
        with house.db.transaction(whose) as tx:
            was_set = policies.drop(tx, tenant=whose, entity=entity, field=field, by=by or person())
    if json:
        print_json({"entity": entity, "field": field, "was_set": was_set})
    else:
        out.print(f"{name}: {'no policy any more' if was_set else 'there was no policy'}.", highlight=False)
    return EXIT_DONE if was_set else EXIT_FOUND_WRONG


def _named(name: str) -> tuple[str, str]:
    entity, _, field = name.partition(".")
    return ("" if entity == "all" else entity), field


def _choice(conflict_id: int, text: str) -> tuple[str, Side]:
    name, sign, side = text.rpartition("=")
    if not sign or side not in tuple(Side):
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing=f"resolving the conflict {conflict_id}",
            found=f"--field {text}",
            expected="--field NAME=ours or --field NAME=theirs",
            next_step=f"see `tieout conflicts show {conflict_id}`",
        )
    return name, Side(side)


def _summary(one: Conflict) -> dict[str, Any]:
    return {
        "id": one.conflict_id,
        "connection": one.connection,
        "entity": one.entity,
        "ledger_id": one.ledger_id,
        "external_id": one.external_id,
        "kind": one.kind,
        "state": one.state,
        "says": one.says,
        "fields": one.fields,
        "ledger_version": one.ledger_version,
        "opened_at": one.opened_at,
        "changed_at": one.changed_at,
        "resolution": one.resolution,
    }


def _texts(one: Conflict) -> dict[str, str | None]:
    return {"base": one.base, "ours": one.ours, "theirs": one.theirs}


def _differences(one: Conflict) -> list[Sequence[str]]:
    """Fields that differ between any two of base, ours and theirs."""
    base, ours, theirs = (jsonlib.loads(text) if text else {} for text in _texts(one).values())
    trios = [(name, base.get(name), ours.get(name), theirs.get(name)) for name in {**base, **ours, **theirs}]
    return [(name, *map(_told, values)) for name, *values in trios if any(v != values[0] for v in values)]


def _told(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)


def _ways_out(one: Conflict) -> str:
    command = f"tieout conflicts resolve {one.conflict_id}"
    if one.candidates:
        return f"Decide with `{command} --as ID` (one of {', '.join(one.candidates)}) or `{command} --separate`."
    ways = f"Decide with `{command} --keep ours`, `--keep theirs` or `--field {one.fields[0]['name']}=ours`"
    return f"{ways}; `--separate` if they are two records." if one.kind == "possible_duplicate" else f"{ways}."
