"""Objects as values: merging a sparse body in, emptying, voiding, and whether two differ in anything that counts.

Belongs here: pure functions of one object. The order of a write is `writes.py`. Facts: reference sections 5 and 6.
"""

from typing import Any

from sandbox.quickbooks import books, documents, names
from sandbox.quickbooks.settlements import voided_note
from sandbox.quickbooks.spec import Entity

SYSTEM = {"Id", "SyncToken", "MetaData", "domain", "sparse", "status"}
_SHOWN_ONLY = {"name", "LineEx", "CustomExtensions", "ItemAccountRef", "LineNum", "Received"}


def merged(before: dict[str, Any], given: dict[str, Any], *, deep: bool) -> dict[str, Any]:
    """`before` with the given properties in it; `deep` goes into objects (preferences are sent section by section)."""
    result = dict(before)
    for name, each in given.items():
        if deep and isinstance(each, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], each, deep=True)
        else:
            result[name] = each
    return result


def drop_empty(entity: Entity, value: dict[str, Any]) -> None:
    """An empty text or a reference to nothing means that the property is not set."""

    def is_empty(name: str, each: Any) -> bool:
        found = entity.properties.get(name)
        is_reference = found is not None and found.kind == "reference" and not found.is_list
        return (
            each == ""
            or (is_reference and not each.get("value"))
            or (isinstance(each, dict) and each.get("value") == "")
        )

    for name in [name for name, each in value.items() if is_empty(name, each)]:
        del value[name]


def zero(entity: Entity, value: dict[str, Any]) -> None:
    """Void: every amount 0, links gone, the note says so."""
    value["PrivateNote"] = voided_note(value)
    if entity.name in books.PAYERS:
        value["Line"] = []
        value["TotalAmt"] = 0
        if entity.name == "Payment":
            value["UnappliedAmt"] = 0
    elif "Amount" in entity.properties:
        value["Amount"] = 0
    else:
        for line in value.get("Line", ()):
            line["Amount"] = 0
            detail = line.get(line.get("DetailType", ""), {})
            for name in ("Qty", "UnitPrice"):
                if name in detail:
                    detail[name] = 0
        value["TotalAmt"] = 0
        value["TxnTaxDetail"] = {"TotalTax": 0}
        value["Balance"] = 0
        if "LinkedTxn" in value:
            value["LinkedTxn"] = []
    for name in ("HomeTotalAmt", "HomeBalance"):
        if name in value:
            value[name] = 0


def essence(entity: Entity, value: dict[str, Any]) -> Any:
    """What of an object is its owner's doing;
    two objects with the same essence differ in nothing an update could have changed.
    """
    hidden = SYSTEM | set(entity.read_only.split())
    filled = {**documents.defaults_of(entity), **names.defaults_of(entity), **value}
    return _bare({name: each for name, each in filled.items() if name not in hidden})


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        if "value" in value:
            return value["value"]
        bare = {name: _bare(each) for name, each in value.items() if name not in _SHOWN_ONLY}
        return {name: each for name, each in bare.items() if each not in (None, [], {})}
    if isinstance(value, list):
        return [
            _bare(each)
            for each in value
            if not (isinstance(each, dict) and each.get("DetailType") == "SubTotalLineDetail")
        ]
    return value
