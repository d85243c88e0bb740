"""QuickBooks as the fault programme sees it: its requests, its records, how a person over there makes and edits one."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.books import Books
from tests.faults.erps import Wire
from tests.faults.erps.quickbooks.company import BANK, EXPENSES, ITEM, PAYABLES, the_company
from tests.faults.erps.quickbooks.kinds import KINDS
from tests.faults.faults import Requests
from tests.faults.kinds import Kind, at_path, read_path

_NAMES = "invoice|customer|vendor|item|payment|creditmemo|vendorcredit|bill|billpayment|purchaseorder|batch"
_COMPANY = r"^/v3/company/"
_WAITS_SHORTENED = 0.02


class QuickBooks:
    name = "quickbooks"
    kinds: Mapping[str, Kind] = KINDS
    any_request = _COMPANY
    requests = Requests(
        write={"method": "POST", "path": rf"{_COMPANY}[^/]+/({_NAMES})\b"},
        # What is asked of one record has its id in the path, which no write has.
        read={"path": rf"{_COMPANY}[^/]+/(query|cdc|[a-z]+/[^/?]+)"},
        # A census asks for these of every record, and nothing else does.
        listing={"path": rf"{_COMPANY}[^/]+/query", "contains": "Id, SyncToken, MetaData"},
        token={"path": r"^/oauth2/v1/tokens/bearer"},
    )
    switches: Mapping[str, Any] = {
        "rate_limits": False,
        "rotate_on_every_refresh": False,
        "request_id_seconds": 86400,
        "request_id_errors": "forgotten",
        "query_lag_seconds": 0,
        "bill_document_numbers": "allow",
    }
    item = ITEM
    parties: Mapping[str, str] = {"customers": "1", "vendors": "50"}
    settles_always = frozenset({"bill_payments"})
    # A company that gives money back enters that as what the ledger has no word for.
    gives_back: Mapping[str, tuple[str, ...]] = {}
    uses_have_names, uses_go_with_money, has_batches = True, True, False
    income_code, expense_code, payable_code, bank_code = "79", EXPENSES, PAYABLES, BANK
    pace, rest_seconds = 0.0, None
    reads_to_write = False
    # QuickBooks has one list of names for all: it refuses a customer by the name of a vendor.
    taken_name = "Vendor 50"

    def warm_up(self) -> None:
        from resources.erps.quickbooks import auth, client, errors, profile, writing  # noqa: F401

        errors.THROTTLED_SECONDS = profile.THROTTLED_SECONDS = _WAITS_SHORTENED

    def furnish(self, books: Books) -> None:
        books.load(the_company())

    def chosen_switches(self, chance: random.Random) -> Mapping[str, Any]:
        return {
            "rotate_on_every_refresh": chance.random() < 0.3,
            "request_id_seconds": chance.choice([86400, 86400, 600]),
        }

    # Reading

    def id_of(self, one: Wire) -> str:
        return one["Id"]

    def lists_of(self, kind: Kind) -> tuple[str, ...]:
        return (kind.wire,)

    def is_of(self, kind: Kind, one: Wire) -> bool:
        return True

    def name_of(self, kind: Kind, one: Wire) -> str | None:
        return one.get(kind.wire_name)

    def text_at(self, one: Wire, path: str) -> str:
        text = str(read_path(one, path) or "")
        lines = [line for line in text.split("\n") if not line.strip().startswith("[tieout:")]
        return "\n".join(lines).removesuffix("\r").split(" [tieout:")[0]

    def is_gone(self, one: Wire) -> bool:
        return one.get("status") == "Deleted"

    def is_void(self, one: Wire) -> bool:
        # Nor does any money move where a credit is used.
        return one.get("TotalAmt") == 0 and not any(line.get("Amount") for line in one.get("Line") or ())

    def is_active(self, one: Wire) -> bool:
        return one.get("Active") is not False

    def activity(self, is_active: bool) -> dict[str, Any]:
        return {"Active": is_active}

    def total_of(self, one: Wire) -> Decimal:
        return Decimal(str(one.get("TotalAmt", 0)))

    def open_of(self, kind: Kind, one: Wire) -> Decimal:
        return Decimal(str(one[kind.wire_open]))

    def balance_of(self, kind: Kind, party: Wire) -> Decimal:
        return Decimal(str(party.get("Balance", 0)))

    def texts_of_void(self, kind: Kind) -> frozenset[str]:
        # It puts a word of its own before the note.
        return frozenset({"private_note"})

    def is_applied(self, kind: Kind, one: Wire) -> bool:
        return bool(one.get("Line"))

    def may_end(self, one: Wire) -> bool:
        return True

    def party_of(self, kind: Kind, one: Wire) -> str:
        return one[kind.wire_party]["value"]

    def was_refused(self, said: Wire) -> bool:
        return "Fault" in said

    def written_to(self, kind: Kind, external_id: str) -> tuple[str, str]:
        return kind.effect, external_id

    def marker_of(self, one: Wire) -> str:
        return self.marker_in(str(one.get("PrivateNote") or ""))

    def marker_in(self, told: str) -> str:
        found = re.search(r"\[tieout:([^]]*)\]\s*$", told)
        return found[1] if found else ""

    def made(self, kind: Kind, said: Wire) -> dict[str, Any]:
        return said[kind.wire]

    # Writing

    def edit_of(self, operation: str, kind: Kind, one: Wire | None, body: Wire | None = None) -> dict[str, Any]:
        edit: dict[str, Any] = {"operation": operation, "entity": kind.wire}
        if one is not None:
            edit["id"] = one["Id"]
        return edit if body is None else {**edit, "body": body}

    def with_text(self, one: Wire | None, path: str, value: str) -> dict[str, Any]:
        # A person adds to the note and leaves the line that a program put there.
        held = str(read_path(one or {}, path) or "")
        marks = [line for line in held.split("\n") if line.startswith("[tieout:")]
        return at_path(path, "\n".join([value, *marks]))

    def new(self, kind: Kind, name: str, amount: Decimal) -> dict[str, Any]:
        body: dict[str, Any] = {kind.wire_name: name}
        if kind.entity == "items":
            body |= {"Type": "Service", "IncomeAccountRef": {"value": self.income_code}}
        elif kind.has_amount:
            body["Line"] = [_line(kind, amount)]
        if kind.entity == "purchase_orders":
            body["APAccountRef"] = {"value": PAYABLES}
        return body

    def with_party(self, kind: Kind, party: str) -> dict[str, Any]:
        return {kind.wire_party: {"value": party}}

    def money(self, kind: Kind, amount: Decimal, settles: Sequence[tuple[Kind, Wire, Decimal]]) -> dict[str, Any]:
        body: dict[str, Any] = {"TotalAmt": float(amount), "Line": [_settled(*each) for each in settles]}
        if kind.entity == "bill_payments":
            body |= {"PayType": "Check", "CheckPayment": {"BankAccountRef": {"value": BANK}}}
        return body

    def rest_of(self, one: Wire) -> Decimal:
        return Decimal(str(one.get("UnappliedAmt", 0)))

    def part_of_rest(self, external_id: str | None) -> dict[str, Any]:
        raise NotImplementedError

    def allocation(self, kind: Kind, one: Wire, document_kind: Kind, document: Wire, amount: Decimal) -> dict[str, Any]:
        # An ordinary edit of the payment.
        lines: list[dict[str, Any]] = [
            {"Amount": float(line["Amount"]), "LinkedTxn": line["LinkedTxn"]} for line in one["Line"]
        ]
        lines.append(_settled(document_kind, document, amount))
        return self.edit_of("update", kind, one, {**self.edited(kind, one), "Line": lines})

    def taken_off(self, note: Wire, document: Wire, amount: Decimal) -> dict[str, Any] | None:
        raise NotImplementedError

    def settled_by(self, kind: Kind, one: Wire) -> list[tuple[str, Decimal]]:
        lines = one.get("Line") or () if kind.is_money else ()
        return [(line["LinkedTxn"][0]["TxnId"], Decimal(str(line["Amount"]))) for line in lines]

    def batch(self, parts: Sequence[tuple[str, Wire, Decimal]]) -> dict[str, Any]:
        raise NotImplementedError

    def batched(self, said: Wire) -> list[str]:
        raise NotImplementedError

    def end_of_batch(self, one: Wire) -> dict[str, Any]:
        raise NotImplementedError

    def edited(self, kind: Kind, one: Wire) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if kind.party:
            body |= self.with_party(kind, self.party_of(kind, one))
        if kind.is_money:
            body["TotalAmt"] = float(one["TotalAmt"])
        return body

    def new_amount(self, kind: Kind, one: Wire, amount: Decimal) -> dict[str, Any]:
        return {"Line": [{**_line(kind, amount), "Id": one["Line"][0]["Id"]}]}


def _settled(kind: Kind, document: Wire, amount: Decimal) -> dict[str, Any]:
    return {"Amount": float(amount), "LinkedTxn": [{"TxnId": document["Id"], "TxnType": kind.wire}]}


def _line(kind: Kind, amount: Decimal) -> dict[str, Any]:
    """One line over the whole amount, as a person over there enters it."""
    if kind.party == "customers":
        detail = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": ITEM}}}
    elif kind.entity in ("bills", "vendor_credits"):
        detail = {
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": {"AccountRef": {"value": EXPENSES}},
        }
    else:
        detail = {
            "DetailType": "ItemBasedExpenseLineDetail",
            "ItemBasedExpenseLineDetail": {"ItemRef": {"value": ITEM}},
        }
    return {"Amount": float(amount), **detail}


ERP = QuickBooks()
