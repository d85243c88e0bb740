"""A document's lines as they are to be sent: what we want, put into what QuickBooks holds.

An update that names `Line` replaces all lines, and a line keeps its Id only if it is sent with it (captured). So lines
are never written from our side alone: each is put over the line held under its Id, which keeps what we do not map
(classes, links to purchase orders, extensions), lines that only QuickBooks has stay where they are, and the lines of a
bundle stay in it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledger.fields import MappingError, Parts
from ledger.mapping import overlay, read_part, write_part
from ledger.spec import Part
from resources.erps.quickbooks.company import cents
from resources.erps.quickbooks.documents import SETTLED

GROUP = "GroupLineDetail"
DISCOUNT = "DiscountLineDetail"
SUBTOTAL = "SubTotalLineDetail"
# The service's to say: it numbers lines anew and looks the item's account up.
_COMPUTED = ("LineNum", "LineEx")
_WORD_OF_SETTLED = {entity: word for word, entity in SETTLED.items()}

Line = dict[str, Any]


def rewritten(mapping: Parts, wanted: Sequence[Part], held: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The wanted lines over the held ones, in the wanted order."""
    left = _Held(mapping, held)
    top: list[Line] = []
    bundles: dict[str, list[Line]] = {}
    for part in wanted:
        was = left.take(part)
        line = _over(mapping, part, was.line if was else None)
        if line.get("DetailType") == GROUP:
            bundles[line.get("Id", "")] = line[GROUP]["Line"] = []
        if was and was.bundle in bundles:
            bundles[was.bundle].append(line)
        else:
            top.append(line)
    top = _with_unmapped(mapping, top, held)
    for line in top:
        if line.get("DetailType") == GROUP:
            inner = _nested(next((h for h in held if h.get("Id") == line.get("Id")), {}))
            line[GROUP]["Line"] = _with_unmapped(mapping, line[GROUP]["Line"], inner)
            line["Amount"] = sum((Decimal(each.get("Amount") or 0) for each in line[GROUP]["Line"]), Decimal(0))
    _settle_percentages(top)
    return top


def applied(wanted: Sequence[Part], held: Sequence[Mapping[str, Any]]) -> list[Line]:
    """What a payment settles, as its lines; a line that settled the same document before keeps what else it says."""
    before: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in held:
        link = (line.get("LinkedTxn") or [{}])[0]
        before.setdefault((str(link.get("TxnType")), str(link.get("TxnId"))), []).append(line)
    lines = []
    for part in wanted:
        key = settled_key(part)
        kept = before.get(key, [])
        line = copy.deepcopy(dict(kept.pop(0))) if kept else {}
        lines.append(_without_computed({**line, "Amount": part.amount, "LinkedTxn": _links(line, key)}))
    return lines


def settled_key(part: Any) -> tuple[str, str]:
    """Kind and Id of the document that an application settles, in QuickBooks' words."""
    word = _WORD_OF_SETTLED.get(part.document_entity)
    external_id = part.document or part.document_key
    if word is None or not external_id:
        raise MappingError("applications", "Line.LinkedTxn", part, "a document that a payment can settle")
    return word, external_id


def kept(held: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Held lines as a full update repeats them, without what the service computes."""
    lines = [_without_computed(copy.deepcopy(dict(line))) for line in held if not _is_generated(line)]
    for line in lines:
        if line.get("DetailType") == GROUP:
            line[GROUP]["Line"] = kept(_nested(line))
    return lines


def _links(line: Line, key: tuple[str, str]) -> list[dict[str, Any]]:
    return line.get("LinkedTxn") or [{"TxnId": key[1], "TxnType": key[0]}]


class _Was:
    """A held line and the Id of the bundle it stands in, None for one that stands by itself."""

    def __init__(self, line: Mapping[str, Any], bundle: str | None) -> None:
        self.line, self.bundle = line, bundle


class _Held:
    """Held lines, each given once: by Id, and for lines that have none by their kind, in order."""

    def __init__(self, mapping: Parts, held: Sequence[Mapping[str, Any]]) -> None:
        self._mapping = mapping
        self._by_id: dict[str, _Was] = {}
        self._without_id: dict[str, list[_Was]] = {}
        for line, bundle in _flat(held):
            if line.get("Id"):
                self._by_id[line["Id"]] = _Was(line, bundle)
            else:
                self._without_id.setdefault(str(line.get("DetailType")), []).append(_Was(line, bundle))

    def take(self, part: Any) -> _Was | None:
        if part.line_key:
            return self._by_id.pop(part.line_key, None)
        same = self._without_id.get(self._mapping.variant_for(part)[0])
        return same.pop(0) if same else None


def _flat(held: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    for line in held:
        yield line, None
        for inner in _nested(line):
            yield inner, str(line.get("Id", ""))


def _nested(line: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return (line.get(GROUP) or {}).get("Line") or []


def _over(mapping: Parts, part: Part, held: Mapping[str, Any] | None) -> Line:
    word, variant = mapping.variant_for(part)
    if held is None or held.get("DetailType") != word:
        line = without_empty(write_part(mapping, part))
        if held is not None and held.get("Id"):
            line["Id"] = held["Id"]
        if word == DISCOUNT:
            line.setdefault(word, {})["PercentBased"] = False
        return line
    line = copy.deepcopy(dict(held))
    try:
        was = read_part(variant, type(part), line, part.position)
    except MappingError:
        # What cannot be read cannot be kept: the line is written as we want it.
        return {**without_empty(write_part(mapping, part)), "Id": held["Id"]}
    overlay(variant.fields, line, part, was)
    return _without_computed(line)


def _with_unmapped(mapping: Parts, lines: list[Line], held: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines, and behind the same neighbour as before those held ones that we have no word for (subtotals)."""
    result = list(lines)
    before: list[str] = []
    for line in held:
        key = str(line.get("Id", ""))
        if mapping.variants.get(str(line.get("DetailType"))) is None and key:
            place = max((n for n, each in enumerate(result, 1) if each.get("Id") in before), default=0)
            result.insert(place, _without_computed(copy.deepcopy(dict(line))))
        if key:
            before.append(key)
    return result


def _settle_percentages(lines: list[Line]) -> None:
    """A discount in percent stays one only if its percentage still gives the amount that is wanted."""
    subtotal = sum(
        (Decimal(line.get("Amount") or 0) for line in lines if line.get("DetailType") not in (DISCOUNT, SUBTOTAL)),
        Decimal(0),
    )
    for line in lines:
        detail = line.get(DISCOUNT) or {}
        if line.get("DetailType") == DISCOUNT and detail.get("PercentBased"):
            percent = Decimal(detail.get("DiscountPercent") or 0)
            if cents(subtotal * percent / 100) != line.get("Amount"):
                detail["PercentBased"] = False
                detail.pop("DiscountPercent", None)


def _is_generated(line: Mapping[str, Any]) -> bool:
    return line.get("DetailType") == SUBTOTAL and "Id" not in line


def _without_computed(line: Line) -> Line:
    for name in _COMPUTED:
        line.pop(name, None)
    detail = line.get(str(line.get("DetailType")))
    if isinstance(detail, dict):
        detail.pop("ItemAccountRef", None)
    return line


def without_empty(value: Any) -> Any:
    """The object without empty texts and the objects that held nothing else."""
    if not isinstance(value, dict):
        return value
    kept_values = {key: without_empty(each) for key, each in value.items()}
    return {key: each for key, each in kept_values.items() if each not in ("", {}) and each is not None}
