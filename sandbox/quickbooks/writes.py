"""Writing: create, full and sparse update, delete, void, send, and what makes an update no update at all.

Belongs here: the rules of SyncToken and of what a client may set, and the order of a write: check, complete, link,
settle, save. Completing is `documents.py` and `names.py`, other objects are `links.py` and `books.py`. Facts:
reference sections 5 to 8.
"""

from decimal import Decimal
from typing import Any

from sandbox.clock import Clock
from sandbox.quickbooks import auto_apply, bodies, books, links, names, recurring, references, tax_service, values, wire
from sandbox.quickbooks.documents import SALES, Documents
from sandbox.quickbooks.ledger import Ledger
from sandbox.quickbooks.numbering import Numbers
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.values import SYSTEM
from sandbox.quickbooks.wire import STALE, Refusal
from sandbox.quickbooks.work import TIME, Work

_KEPT_ON_FULL_UPDATE = {"CurrencyRef", "ExchangeRate", "LinkedTxn", "POStatus", "Active"}
_MADE_FROM = ("Estimate", "TimeActivity")
_PAID_BY_PAYMENTS = {"Invoice", "CreditMemo"}
_PAID_BY_BILL_PAYMENTS = {"Bill", "VendorCredit"}


class Writer:
    """Carries out writes on one company."""

    def __init__(self, store: Store, options: Switches, clock: Clock) -> None:
        self._store, self._options, self._clock = store, options, clock
        self._numbers = Numbers(store, options)
        self.ledger = Ledger(store)

    def forget(self) -> None:
        """Objects were put in from outside: document numbers in use must be looked up again."""
        self._numbers.forget()

    def write(self, entity: Entity, body: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        """Carry out one write and return the object as the answer shows it. Raises Refusal;
        then nothing has changed.
        """
        operation, include = parameters.get("operation", ""), parameters.get("include", "")
        if operation not in ("", "create", "update", "delete", "void"):
            raise Refusal("500", f"Operation {operation} is not supported.")
        if entity.is_wrapper:
            return recurring.write(self._store, self._options, self._clock.now(), body, operation)
        given = bodies.clean(entity, body)
        if operation == "void" or "void" in include.split(","):
            return self._void(entity, given)
        if operation == "delete":
            return self._delete(entity, given)
        if entity.kind == "single":
            given.setdefault("Id", "1")
        allows_duplicates = "allowduplicatedocnum" in include.lower()
        if not given.get("Id") and not (entity.key and self._store.get(entity.name, _key(entity, given))):
            return self._create(entity, given, allows_duplicates)
        return self._update(entity, given, allows_duplicates)

    def _work(self) -> tuple[Work, Documents]:
        now = self._clock.now()
        work = Work(self._store, now)
        return work, Documents(work, self._options, wire.pacific(now).date())

    # -- create and update -------------------------------------------------------------------------------------------

    def _create(self, entity: Entity, given: dict[str, Any], allows_duplicates: bool) -> dict[str, Any]:
        if not entity.allows("create") and not entity.key:
            raise Refusal("500", f"Operation create {entity.name} is not supported.", element="")
        work, filler = self._work()
        hidden = SYSTEM | set(entity.read_only.split())
        value = {name: each for name, each in given.items() if name not in hidden}
        if "LinkedTxn" in value:
            value["LinkedTxn"] = _links(value["LinkedTxn"], [])
        values.drop_empty(entity, value)
        _require(entity.required, value)
        references.check(work, entity.name, value, None)
        if not entity.key:
            value["Id"] = self._store.next_id(entity.sequence)
        value.update({"domain": "QBO", "sparse": False})
        self._numbers.number(work, filler, entity, value, given, None, allows_duplicates)
        self._complete(work, filler, entity, value, None, given)
        work.replace(entity.name, value)
        self._effects(work, entity, None, value)
        work.commit()
        answer = value
        if entity.name == "Account" and self._options.account_update_time == "omitted":
            answer = {**value, "MetaData": {"CreateTime": value["MetaData"]["CreateTime"]}}
        return answer

    def _update(self, entity: Entity, given: dict[str, Any], allows_duplicates: bool) -> dict[str, Any]:
        if not entity.allows("update"):
            raise Refusal("500", f"Operation update {entity.name} is not supported.", element="")
        work, filler = self._work()
        present = self._current(work, entity, given)
        before = work.before[(entity.name, present.get("Id") or _key(entity, present))]
        assert before is not None
        self._check_unlocked(entity, before)
        writable = {name: each for name, each in given.items() if name not in SYSTEM | set(entity.read_only.split())}
        if "LinkedTxn" in writable:
            writable["LinkedTxn"] = _links(writable["LinkedTxn"], before.get("LinkedTxn", []))
        if given.get("sparse"):
            _require(entity.sparse_required, given)
            value = values.merged(present, writable, deep=entity.kind == "single")
        else:
            value = self._full(entity, present, writable)
        values.drop_empty(entity, value)
        _require(entity.required, value)
        references.check(work, entity.name, value, before)
        if entity.kind == "transaction":
            filler.check_open(before)
        self._keep_addresses(entity, value, before)
        if given.get("sparse") and values.essence(entity, value) == values.essence(entity, before):
            return before
        self._numbers.number(work, filler, entity, value, given, before, allows_duplicates)
        self._complete(work, filler, entity, value, before, writable)
        if values.essence(entity, value) == values.essence(entity, before):
            return before
        work.replace(entity.name, value)
        self._effects(work, entity, before, value)
        is_renamed = bool(entity.shown_as) and before.get(entity.shown_as) != value.get(entity.shown_as)
        if entity.named_by:
            names.rename_below(work, entity, value["Id"])
        work.commit()
        if is_renamed:
            references.rename_everywhere(self._store, entity.name, value["Id"], str(value[entity.shown_as]))
        return self._store.get(entity.name, value.get("Id") or _key(entity, value)) or value

    def _full(self, entity: Entity, before: dict[str, Any], writable: dict[str, Any]) -> dict[str, Any]:
        """A full update: what is not sent is gone, but for what only the service sets."""
        kept = SYSTEM | set(entity.read_only.split()) | _KEPT_ON_FULL_UPDATE
        if entity.name in SALES:
            kept = kept | {"DocNumber"}
        return {**{name: each for name, each in before.items() if name in kept}, **writable}

    def _current(self, work: Work, entity: Entity, given: dict[str, Any], *, is_delete: bool = False) -> dict[str, Any]:
        """The stored object a write is about, if its SyncToken is the present one. Raises Refusal."""
        key = _key(entity, given) if entity.key and not given.get("Id") else given["Id"]
        if not key.isdigit() and not entity.key:
            raise Refusal("2030", f"Id should be a valid number. Supplied value:{key}", element="Id", has_time=False)
        present = work.get(entity.name, key)
        if present is None:
            if key in self._store.tables[entity.name].stubs:
                raise Refusal("610", "Object Not Found : Another user has deleted this transaction.", element="")
            raise wire.not_found()
        if "SyncToken" not in given and entity.name == "Attachable" and is_delete:
            # Captured: minimul/qbo_api, spec/vcr/attachment/delete_attachment.yml (2020-09-29), a delete by Id alone.
            return present
        if "SyncToken" not in given:
            raise Refusal("2020", "Required parameter SyncToken is missing in the request", element="SyncToken")
        if given["SyncToken"] != str(present.get("SyncToken", "0")):
            raise Refusal("5010", STALE, element="")
        return present

    def _complete(
        self,
        work: Work,
        filler: Documents,
        entity: Entity,
        value: dict[str, Any],
        before: dict[str, Any] | None,
        given: dict[str, Any],
    ) -> None:
        if before is None:
            self._keep_addresses(entity, value, {})
        if entity.kind == "transaction":
            filler.complete(entity, value, before, given)
        elif entity.kind == "name":
            names.complete(work, filler, self._options, entity, value, before)
        references.check(work, entity.name, value, before)

    def _keep_addresses(self, entity: Entity, value: dict[str, Any], before: dict[str, Any]) -> None:
        """An address keeps its Id while it stays the same and gets a new one when it changes."""
        for name, found in entity.properties.items():
            address = value.get(name)
            if found.kind != "PhysicalAddress" or not isinstance(address, dict) or not address:
                continue
            was = before.get(name) or {}
            if {**address, "Id": None} == {**was, "Id": None} and "Id" in was:
                value[name] = {**address, "Id": was["Id"]}
            elif address is not was:
                value[name] = {
                    "Id": self._store.next_id("address"),
                    **{key: each for key, each in address.items() if key != "Id"},
                }

    # -- what a write does to other objects --------------------------------------------------------------------------

    def _effects(self, work: Work, entity: Entity, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        value = after or before
        assert value is not None
        if entity.name in books.PAYERS:
            links.apply_payment(work, entity.name, before, after)
        if entity.name in ("Bill", "Purchase") and self._options.purchase_order_links == "lines":
            links.apply_purchase_orders(work, entity.name, before, after)
        if entity.name == "Invoice":
            links.apply_estimates(work, before, after)
            if before is None and after is not None:
                auto_apply.to_invoice(work, self._store.get("Preferences", "1") or {}, after)
        if entity.name == "Deposit":
            links.apply_deposit(work, before, after)
        if (
            entity.name in _PAID_BY_PAYMENTS | _PAID_BY_BILL_PAYMENTS
            and after is not None
            and books.open_balance(entity.name, after) < 0
        ):
            links.release(work, entity.name, after["Id"], Decimal(after["TotalAmt"]))
        books.settle(work, self.ledger)
        links.show_open_balances(work)

    def _check_unlocked(self, entity: Entity, value: dict[str, Any]) -> None:
        if entity.name == "Payment" and links.linked(value, "Deposit"):
            raise Refusal(
                "6540",
                "This transaction has been deposited. If you want to change or delete it, "
                "you must edit the deposit it appears on and remove it first.",
                element="",
            )

    # -- delete, void, send ------------------------------------------------------------------------------------------

    def _delete(self, entity: Entity, given: dict[str, Any]) -> dict[str, Any]:
        if not entity.allows("delete"):
            raise Refusal("500", f"Operation delete {entity.name} is not supported.", element="")
        work, filler = self._work()
        value = self._addressed(work, entity, given, is_delete=True)
        self._check_unlocked(entity, value)
        filler.check_open(value)
        key = value["Id"]
        if entity.name in ("Bill", "VendorCredit", "PurchaseOrder", "Estimate") and value.get("LinkedTxn"):
            raise wire.business(
                f"{entity.name} {key} is linked to other transactions. Unlink them before you delete it."
            )
        original = work.before[(entity.name, key)]
        if entity.name in _PAID_BY_PAYMENTS:
            links.release(work, entity.name, key, Decimal())
        work.remove(entity.name, key)
        self._effects(work, entity, original, None)
        work.commit()
        return {"domain": "QBO", "status": "Deleted", "Id": key}

    def _void(self, entity: Entity, given: dict[str, Any]) -> dict[str, Any]:
        if not entity.allows("void"):
            raise Refusal("500", f"Operation void {entity.name} is not supported.", element="")
        work, filler = self._work()
        value = self._addressed(work, entity, given)
        self._check_unlocked(entity, value)
        filler.check_open(value)
        key, original = value["Id"], work.before[(entity.name, value["Id"])]
        if entity.name in _PAID_BY_PAYMENTS:
            links.release(work, entity.name, key, Decimal())
        values.zero(entity, value)
        if values.essence(entity, value) == values.essence(entity, original) and value.get("TotalAmt") == original.get(
            "TotalAmt"
        ):
            return original
        work.replace(entity.name, value)
        self._effects(work, entity, original, value)
        work.commit()
        return value

    def _addressed(
        self, work: Work, entity: Entity, given: dict[str, Any], *, is_delete: bool = False
    ) -> dict[str, Any]:
        if not given.get("Id"):
            raise Refusal("2020", "Required parameter Id is missing in the request", element="Id")
        return self._current(work, entity, given, is_delete=is_delete)

    def send(self, entity: Entity, key: str, to: str | None) -> dict[str, Any]:
        """E-mail a document: status and time move, the SyncToken does not. Raises Refusal."""
        work, _ = self._work()
        value = work.get(entity.name, key)
        if value is None:
            raise wire.not_found()
        address = to or value.get("BillEmail", value.get("POEmail", {})).get("Address")
        if not address:
            raise Refusal(
                "2020", "Required parameter BillEmail.Address is missing in the request", element="BillEmail.Address"
            )
        value["POEmail" if entity.name == "PurchaseOrder" else "BillEmail"] = {"Address": address}
        value["EmailStatus"] = "EmailSent"
        value["DeliveryInfo"] = {"DeliveryType": "Email", "DeliveryTime": wire.stamp(work.now)}
        work.touch(entity.name, key, TIME)
        work.commit()
        return value

    def add_tax_code(self, body: Any) -> dict[str, Any]:
        """`POST /taxservice/taxcode`: a tax code with its rates. Raises Refusal."""
        return tax_service.add_tax_code(self._work()[0], body)

    # -- particular things -------------------------------------------------------------------------------------------

    def exchange_rate(self, query: dict[str, str]) -> dict[str, Any]:
        """The rate of a currency on a day (`GET /exchangerate`). Raises Refusal."""
        code = query.get("sourcecurrencycode")
        if not code:
            raise Refusal(
                "2020", "Required parameter sourcecurrencycode is missing in the request", element="sourcecurrencycode"
            )
        work, filler = self._work()
        day = query.get("asofdate") or filler.today.isoformat()
        return {
            "SourceCurrencyCode": code,
            "TargetCurrencyCode": filler.home,
            "Rate": filler.rate(code, day),
            "AsOfDate": day,
            "MetaData": {"LastUpdatedTime": wire.stamp(work.now)},
            "domain": "QBO",
            "sparse": False,
        }


def _require(wanted: str, value: dict[str, Any]) -> None:
    for name in wanted.split():
        if value.get(name) in (None, ""):
            raise Refusal("2020", f"Required parameter {name} is missing in the request", element=name)


def _key(entity: Entity, value: dict[str, Any]) -> str:
    return "|".join(str(value.get(part, "")) for part in entity.key.split())


def _links(given: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The links of a document after a write: a client sets those to what it was made from, the service all others."""
    kept = [link for link in before if link.get("TxnType") not in _MADE_FROM]
    return [link for link in given if link.get("TxnType") in _MADE_FROM] + kept
