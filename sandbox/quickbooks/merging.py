"""Merging two customers or two vendors, which only a person in QuickBooks can do.

Belongs here: what becomes of the two and of the documents of the one merged away. Facts: reference section 6 (the loser
becomes inactive, webhooks tell of Merge with deletedId). Not confirmed: whether the documents that change hands show it
in SyncToken and LastUpdatedTime; the strict reading is that they do not, so that no delta shows them.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.books import tidy
from sandbox.quickbooks.names import DELETED
from sandbox.quickbooks.recorder import Recorder
from sandbox.quickbooks.spec import ENTITIES
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.work import LOOKS, TIME, VERSION, Work
from sandbox.world import World

MERGEABLE = ("Customer", "Vendor")


def merge(
    world: World, store: Store, recorder: Recorder, kind: str, winner: str, loser: str, *, is_shown: bool
) -> dict[str, Any]:
    """Merge `loser` into `winner`; the winner afterwards. `is_shown`: the documents get a new SyncToken.

    Raises Refusal when that is not possible. Linear in all transactions.
    """
    work = Work(store, world.clock.now())
    one, other = work.get(kind, winner), work.get(kind, loser)
    if one is None or other is None or winner == loser:
        raise wire.not_found()
    if one.get("CurrencyRef") != other.get("CurrencyRef"):
        raise wire.business(f"{kind} {winner} and {loser} have different currencies and cannot be merged.")
    if loser in {parent for parent in store.tables[kind].column("ParentRef").values() if parent}:
        raise wire.business(f"{kind} {loser} has sub-customers and cannot be merged.")
    for entity in ENTITIES:
        if entity.kind == "transaction":
            _hand_over(work, entity.name, kind, loser, one, VERSION if is_shown else LOOKS)
    for name in ("Balance", "BalanceWithJobs"):
        if name in one or name in other:
            one[name] = tidy(Decimal(one.get(name, 0)) + Decimal(other.get(name, 0)))
            other[name] = 0
    work.touch(kind, winner, TIME)
    other["Active"] = False
    for name in ("DisplayName", "FullyQualifiedName"):
        if name in other:
            other[name] += DELETED
    work.touch(kind, loser, VERSION)
    work.commit()
    recorder.add(kind, winner, "merge", {}, other_id=loser)
    return one


def _hand_over(work: Work, entity: str, kind: str, loser: str, winner: dict[str, Any], mark: int) -> None:
    wanted = f'"{loser}"'.encode()
    for key, row in list(work.store.tables[entity].rows.items()):
        if wanted not in row.raw or not any(ref["value"] == loser for ref in _parties(row.decoded(), kind)):
            continue
        value = work.get(entity, key)
        assert value is not None
        for reference in _parties(value, kind):
            if reference["value"] == loser:
                reference["value"] = winner["Id"]
                if "name" in reference:
                    reference["name"] = winner["DisplayName"]
        work.touch(entity, key, mark)


def _parties(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Every reference to a customer (or vendor) in a transaction, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from _parties(each, kind)
    elif isinstance(value, dict):
        for name, each in value.items():
            is_party = name == f"{kind}Ref"
            if name == "EntityRef" and isinstance(each, dict):
                is_party = kind in (value.get("Type"), each.get("type"))
            if is_party and isinstance(each, dict) and "value" in each:
                yield each
            else:
                yield from _parties(each, kind)
