"""Writing: create, full and sparse update, delete, void, send, and what makes an update no update at all.

Belongs here: the rules of SyncToken and of what a client may set, and the order of a write: check, complete, link,
settle, save. Completing is `documents.py` and `names.py`, other objects are `links.py` and `books.py`. Facts:
reference sections 5 to 8.
"""

from decimal import Decimal
from typing import Any

from sandbox.clock import Clock
from sandbox.quickbooks import bodies, books, documents, links, names, references, wire
from sandbox.quickbooks.documents import SALES, Documents, voided_note
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import STALE, Refusal
from sandbox.quickbooks.work import TIME, Work

_SYSTEM = {"Id", "SyncToken", "MetaData", "domain", "sparse", "status"}
_KEPT_ON_FULL_UPDATE = {"CurrencyRef", "ExchangeRate", "LinkedTxn", "POStatus", "PrintOnCheckName", "Active"}
_MADE_FROM = ("Estimate", "TimeActivity")
_PAID_BY_PAYMENTS = {"Invoice", "CreditMemo"}
_PAID_BY_BILL_PAYMENTS = {"Bill", "VendorCredit"}


class Writer:
    """Carries out writes on one company."""

    def __init__(self, store: Store, options: Switches, clock: Clock) -> None:
        self._store, self._options, self._clock = store, options, clock
        self._numbers: dict[str, int] = {}

    def forget(self) -> None:
        """Objects were put in from outside: document numbers in use must be looked up again."""
        self._numbers.clear()

    def write(self, entity: Entity, body: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        """Carry out one write and return the object as the answer shows it. Raises Refusal;
        then nothing has changed.
        """
        operation, include = parameters.get("operation", ""), parameters.get("include", "")
        if operation not in ("", "create", "update", "delete", "void"):
            raise Refusal("500", f"Operation {operation} is not supported.")
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
        hidden = _SYSTEM | set(entity.read_only.split())
        value = {name: each for name, each in given.items() if name not in hidden}
        if "LinkedTxn" in value:
            value["LinkedTxn"] = _links(value["LinkedTxn"], [])
        _drop_empty(value)
        _require(entity.required, value)
        references.check(work, entity.name, value, None)
        if not entity.key:
            value["Id"] = self._store.next_id(entity.sequence)
        value.update({"domain": "QBO", "sparse": False})
        self._number(work, filler, entity, value, given, None, allows_duplicates)
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
        writable = {name: each for name, each in given.items() if name not in _SYSTEM | set(entity.read_only.split())}
        if "LinkedTxn" in writable:
            writable["LinkedTxn"] = _links(writable["LinkedTxn"], before.get("LinkedTxn", []))
        if given.get("sparse"):
            _require(entity.sparse_required, given)
            value = _merged(present, writable, deep=entity.kind == "single")
        else:
            value = self._full(entity, present, writable)
        _drop_empty(value)
        _require(entity.required, value)
        references.check(work, entity.name, value, before)
        if entity.kind == "transaction":
            filler.check_open(before)
        self._keep_addresses(entity, value, before)
        if given.get("sparse") and _essence(entity, value) == _essence(entity, before):
            return before
        self._number(work, filler, entity, value, given, before, allows_duplicates)
        self._complete(work, filler, entity, value, before, writable)
        if _essence(entity, value) == _essence(entity, before):
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
        kept = _SYSTEM | set(entity.read_only.split()) | _KEPT_ON_FULL_UPDATE
        if entity.name in SALES:
            kept = kept | {"DocNumber"}
        return {**{name: each for name, each in before.items() if name in kept}, **writable}

    def _current(self, work: Work, entity: Entity, given: dict[str, Any]) -> dict[str, Any]:
        """The stored object a write is about, if its SyncToken is the present one. Raises Refusal."""
        key = _key(entity, given) if entity.key and not given.get("Id") else given["Id"]
        if not key.isdigit() and not entity.key:
            raise Refusal("2030", f"Id should be a valid number. Supplied value:{key}", element="Id", has_time=False)
        present = work.get(entity.name, key)
        if present is None:
            if key in self._store.tables[entity.name].stubs:
                raise Refusal("610", "Object Not Found : Another user has deleted this transaction.", element="")
            raise wire.not_found()
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
        if entity.kind == "transaction" and entity.name != "RecurringTransaction":
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

    def _number(
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
        if series[0] not in self._numbers:
            used = [
                int(number)
                for name in series
                for number in self._store.tables[name].column("DocNumber").values()
                if number is not None and number.isdigit() and len(number) <= 9
            ]
            self._numbers[series[0]] = max(used, default=1000)
        while True:
            self._numbers[series[0]] += 1
            number = str(self._numbers[series[0]])
            if not any(self._store.tables[name].equal("DocNumber", number) for name in series):
                return number

    # -- what a write does to other objects --------------------------------------------------------------------------

    def _effects(self, work: Work, entity: Entity, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        value = after or before
        assert value is not None
        if entity.name in books.PAYERS:
            links.apply_payment(work, entity.name, before, after)
        if entity.name in ("Bill", "Purchase") and self._options.purchase_order_links == "lines":
            links.apply_purchase_orders(work, entity.name, before, after)
        if entity.name == "Deposit":
            links.apply_deposit(work, before, after)
        if (
            entity.name in _PAID_BY_PAYMENTS | _PAID_BY_BILL_PAYMENTS
            and after is not None
            and books.open_balance(entity.name, after) < 0
        ):
            links.release(work, entity.name, after["Id"], Decimal(after["TotalAmt"]))
        books.settle(work)
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
        value = self._addressed(work, entity, given)
        self._check_unlocked(entity, value)
        filler.check_open(value)
        key = value["Id"]
        if entity.name in ("Bill", "VendorCredit", "PurchaseOrder") and value.get("LinkedTxn"):
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
        _zero(entity, value)
        if _essence(entity, value) == _essence(entity, original) and value["TotalAmt"] == original.get("TotalAmt"):
            return original
        work.replace(entity.name, value)
        self._effects(work, entity, original, value)
        work.commit()
        return value

    def _addressed(self, work: Work, entity: Entity, given: dict[str, Any]) -> dict[str, Any]:
        if not given.get("Id"):
            raise Refusal("2020", "Required parameter Id is missing in the request", element="Id")
        return self._current(work, entity, given)

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

    def add_tax_code(self, body: Any) -> dict[str, Any]:
        """`POST /taxservice/taxcode`: a tax code with its rates. Raises Refusal."""
        if not isinstance(body, dict) or not body.get("TaxCode"):
            raise Refusal("2020", "Required parameter TaxCode is missing in the request", element="TaxCode")
        if self._store.tables["TaxCode"].equal("Name", str(body["TaxCode"])):
            raise Refusal("6240", "The name supplied already exists. : null")
        work, _ = self._work()
        lists: dict[str, list[dict[str, Any]]] = {"Sales": [], "Purchase": []}
        details: list[dict[str, Any]] = []
        for order, given in enumerate(body.get("TaxRateDetails") or ()):
            key = str(given.get("TaxRateId") or self._store.next_id("taxrate"))
            if "TaxRateId" not in given:
                rate = {
                    "Name": given.get("TaxRateName", body["TaxCode"]),
                    "Active": True,
                    "RateValue": Decimal(str(given.get("RateValue", 0))),
                    "AgencyRef": {"value": str(given.get("TaxAgencyId", "1"))},
                    "SpecialTaxType": "NONE",
                    "DisplayType": "ReadOnly",
                    "domain": "QBO",
                    "sparse": False,
                    "Id": key,
                }
                work.replace("TaxRate", rate)
            side = "Purchase" if given.get("TaxApplicableOn") == "Purchase" else "Sales"
            lists[side].append({"TaxRateRef": {"value": key}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": order})
            details.append({**given, "TaxRateId": key, "TaxAgencyId": str(given.get("TaxAgencyId", "1"))})
        code = {
            "Name": body["TaxCode"],
            "Description": body["TaxCode"],
            "Active": True,
            "Taxable": True,
            "TaxGroup": True,
            "SalesTaxRateList": {"TaxRateDetail": lists["Sales"]},
            "PurchaseTaxRateList": {"TaxRateDetail": lists["Purchase"]},
            "domain": "QBO",
            "sparse": False,
            "Id": self._store.next_id("taxcode"),
        }
        work.replace("TaxCode", code)
        work.commit()
        return {**body, "TaxCodeId": code["Id"], "TaxRateDetails": details}


def _require(wanted: str, value: dict[str, Any]) -> None:
    for name in wanted.split():
        if value.get(name) in (None, ""):
            raise Refusal("2020", f"Required parameter {name} is missing in the request", element=name)


def _key(entity: Entity, value: dict[str, Any]) -> str:
    return "|".join(str(value.get(part, "")) for part in entity.key.split())


def _drop_empty(value: dict[str, Any]) -> None:
    """An empty text or a reference to nothing means that the property is not set."""
    for name in [
        name for name, each in value.items() if each == "" or (isinstance(each, dict) and each.get("value") == "")
    ]:
        del value[name]


def _links(given: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The links of a document after a write: a client sets those to what it was made from, the service all others."""
    kept = [link for link in before if link.get("TxnType") not in _MADE_FROM]
    return [link for link in given if link.get("TxnType") in _MADE_FROM] + kept


def _merged(before: dict[str, Any], given: dict[str, Any], *, deep: bool) -> dict[str, Any]:
    """`before` with the given properties in it; `deep` goes into objects (preferences are sent section by section)."""
    merged = dict(before)
    for name, each in given.items():
        if deep and isinstance(each, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], each, deep=True)
        else:
            merged[name] = each
    return merged


def _zero(entity: Entity, value: dict[str, Any]) -> None:
    """Void: every amount 0, links gone, the note says so."""
    value["PrivateNote"] = voided_note(value)
    if entity.name in books.PAYERS:
        value["Line"] = []
        value["TotalAmt"] = 0
        if entity.name == "Payment":
            value["UnappliedAmt"] = 0
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


_SHOWN_ONLY = {"name", "LineEx", "CustomExtensions", "ItemAccountRef", "LineNum"}


def _essence(entity: Entity, value: dict[str, Any]) -> Any:
    """What of an object is its owner's doing;
    two objects with the same essence differ in nothing an update could have changed.
    """
    hidden = _SYSTEM | set(entity.read_only.split())
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
