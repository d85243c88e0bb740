"""What people do in the demo, on both sides: in the simulated company through its control API, in the ledger by SQL.

Belongs here: their deeds, each told as a sentence. The order of the show is `demo.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import psycopg
import requests

from resources.errors import ErrorKind, TieoutError
from resources.services import Services

CLERK = "accounting@demo"
EDIT_SECONDS_MAX = 30
_AMOUNT = Decimal("1480.00")


def work_in_the_ledger(house: Services, tenant: str) -> Iterator[str]:
    """What somebody does in the company's own book; yields each deed as a sentence."""
    with house.db.transaction(tenant) as tx:
        tx.execute("select set_config('tieout.actor', %s, true)", (CLERK,))
        customer = _one(
            tx,
            "insert into ledger.customers (name, currency, email) "
            "values ('Quiet Harbour Repairs', 'USD', 'desk@quiet-harbour.example') returning ledger_id",
        )
        item = _one(tx, "select ledger_id from ledger.items where is_active and kind = 'service' order by 1 limit 1")
        invoice = _one(
            tx,
            "insert into ledger.invoices (customer_id, issue_date, currency, total_amount, document_number) "
            "values (%s, current_date, 'USD', %s, 'OURS-1') returning ledger_id",
            customer,
            _AMOUNT,
        )
        tx.execute(
            "insert into ledger.invoice_lines (invoice_id, position, kind, item_id, description, amount, tax_code) "
            "values (%s, 1, 'item', %s, 'Hull inspection', %s, 'NON')",
            (invoice, item, _AMOUNT),
        )
    yield "takes on a customer, Quiet Harbour Repairs"
    yield f"bills it {_AMOUNT:,.2f}, invoice OURS-1"
    ledger_id, number, _ = _untouched(house, tenant, 0)
    _note(house, tenant, ledger_id, "memo", "Thank you for your patience.")
    yield f"thanks the customer on invoice {number}"


def disagree(house: Services, tenant: str, base_url: str, connection: str) -> str:
    """Both sides write the same field of one invoice without knowing of each other."""
    ledger_id, number, external_id = _untouched(house, tenant, 1, connection)
    _note(house, tenant, ledger_id, "private_note", "Call before delivery.")
    there = next(i for i in _objects(base_url, "Invoice") if i["Id"] == external_id)
    _edit(base_url, "/invoice", {**_named(there), "sparse": True, "PrivateNote": "Deliver to the back door."})
    return f"invoice {number} gets one note here and another there"


def _untouched(house: Services, tenant: str, nth: int, connection: str | None = None) -> tuple[int, str, str]:
    """An open invoice that came from QuickBooks: ledger id, number, external id."""
    with house.db.transaction(tenant) as tx:
        row = tx.execute(
            "select l.ledger_id, l.document_number, b.external_id from ledger.invoices l "
            "join sync.bindings b on b.entity = 'invoices' and b.ledger_id = l.ledger_id "
            "where not l.is_void and not l.is_deleted and l.open_amount > 0 and l.currency = 'USD' and l.version = 1 "
            "and coalesce(%s, b.connection) = b.connection order by l.ledger_id desc offset %s limit 1",
            (connection, nth),
        ).fetchone()
    assert row is not None
    return row


def _note(house: Services, tenant: str, ledger_id: int, column: str, text: str) -> None:
    with house.db.transaction(tenant) as tx:
        tx.execute("select set_config('tieout.actor', %s, true)", (CLERK,))
        tx.execute(f"update ledger.invoices set {column} = %s where ledger_id = %s", (text, ledger_id))


def _one(tx: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = tx.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def work_in_quickbooks(base_url: str) -> Iterator[str]:
    """What somebody does in QuickBooks on a usual morning; yields each deed as a sentence."""
    invoices = _objects(base_url, "Invoice")
    open_invoices = [i for i in invoices if i["Balance"] == i["TotalAmt"] > 0 and i["CurrencyRef"]["value"] == "USD"]
    changed, voided, deleted, paid = open_invoices[0], open_invoices[1], open_invoices[2], open_invoices[3]
    customer = next(c for c in _objects(base_url, "Customer") if c["Active"] and not c.get("Job"))

    renamed = f"{customer['DisplayName']} & Daughters"
    _edit(base_url, "/customer", {**_named(customer), "sparse": True, "DisplayName": renamed})
    yield f"renames {customer['DisplayName']} to {renamed}"

    lines = [dict(line) for line in changed["Line"] if line["DetailType"] != "SubTotalLineDetail"]
    line = next(one for one in lines if one["DetailType"] == "SalesItemLineDetail")
    line["Description"] = f"{line.get('Description', '')} (corrected)".strip()
    _edit(base_url, "/invoice", {**_named(changed), "sparse": True, "Line": lines})
    yield f"corrects a line of invoice {changed['DocNumber']}"

    _edit(base_url, "/invoice?operation=void", _named(voided))
    yield f"voids invoice {voided['DocNumber']}"

    _edit(base_url, "/invoice?operation=delete", _named(deleted))
    yield f"deletes invoice {deleted['DocNumber']}"

    _edit(
        base_url,
        "/payment",
        {
            "CustomerRef": {"value": paid["CustomerRef"]["value"]},
            "TotalAmt": paid["TotalAmt"],
            "Line": [{"Amount": paid["TotalAmt"], "LinkedTxn": [{"TxnId": paid["Id"], "TxnType": "Invoice"}]}],
        },
    )
    yield f"takes a payment of {paid['TotalAmt']:,.2f} for invoice {paid['DocNumber']}"


def _named(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"Id": one["Id"], "SyncToken": one["SyncToken"]}


def _objects(base_url: str, entity: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{base_url}/_sandbox/state", params={"entity": entity}, timeout=EDIT_SECONDS_MAX)
    answer.raise_for_status()
    return json.loads(answer.text)[entity]


def _edit(base_url: str, path: str, body: Mapping[str, Any]) -> None:
    call(base_url, "/_sandbox/edit", {"method": "POST", "path": path, "body": body})


def call(base_url: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    answer = requests.post(f"{base_url}{path}", json=body or {}, timeout=EDIT_SECONDS_MAX)
    if not answer.ok:
        raise TieoutError(
            ErrorKind.SYSTEM, doing=f"asking the simulator for {path}", found=answer.text[:300], expected="HTTP 200"
        )
    return answer.json()
