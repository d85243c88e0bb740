"""Document numbers: the next one of a series, and numbers that are taken.

Belongs here: DocNumber. Facts: reference sections 8 and 9 (6140).
"""

from typing import Any

from sandbox.quickbooks import books
from sandbox.quickbooks.documents import SALES, Documents
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work


class Numbers:
    """The number series of one company."""

    def __init__(self, store: Store, options: Switches) -> None:
        self._store, self._options = store, options
        self._last: dict[str, int] = {}

    def forget(self) -> None:
        """Objects were put in from outside: numbers in use must be looked up again."""
        self._last.clear()

    def number(
        self,
        work: Work,
        filler: Documents,
        entity: Entity,
        value: dict[str, Any],
        given: dict[str, Any],
        before: dict[str, Any] | None,
        allows_duplicates: bool,
    ) -> None:
        """DocNumber: the next one where the company numbers by itself; one that is taken is refused (6140)."""
        number = given.get("DocNumber")
        if number and (before is None or before.get("DocNumber") != number):
            is_checked = entity.numbered and self._options.duplicate_document_numbers == "fault"
            if entity.name == "Bill":
                is_checked = self._options.bill_document_numbers == "fault"
            others = self._store.tables[entity.name].equal("DocNumber", number) - {value["Id"]} if is_checked else set()
            if entity.name == "Bill":
                others = {key for key in others if books.party_of(work.get("Bill", key) or {}) == books.party_of(value)}
            if others and not allows_duplicates:
                raise Refusal(
                    "6140",
                    "Duplicate Document Number Error : You must specify a different number. "
                    "This number has already been used. "
                    f"DocNumber={number} is assigned to TxnType={entity.name} with TxnId={min(others, key=int)}",
                    element="",
                )
        has_own = (filler.preferences.get("SalesFormsPrefs") or {}).get("CustomTxnNumbers", False)
        if entity.numbered and not number and before is None and not has_own:
            value["DocNumber"] = self._next_number(entity)

    def _next_number(self, entity: Entity) -> str:
        series = SALES if entity.name in SALES else (entity.name,)
        if series[0] not in self._last:
            used = [
                int(number)
                for name in series
                for number in self._store.tables[name].column("DocNumber").values()
                if number is not None and number.isdigit() and len(number) <= 9
            ]
            self._last[series[0]] = max(used, default=1000)
        while True:
            self._last[series[0]] += 1
            number = str(self._last[series[0]])
            if not any(self._store.tables[name].equal("DocNumber", number) for name in series):
                return number
