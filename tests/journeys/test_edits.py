"""Somebody works in QuickBooks; the next sync brings exactly that, says so, and both books agree again."""

from __future__ import annotations

from decimal import Decimal

from ledger.spec import entities
from tests.books import Books, changed


def unpaid_invoices(books: Books, count: int) -> list[dict]:
    """Invoices nobody paid anything on, of one customer each, in the order of their ids."""
    found: dict[str, dict] = {}
    for invoice in books.objects("Invoice"):
        if invoice["Balance"] == invoice["TotalAmt"] > 0 and not invoice.get("LinkedTxn"):
            found.setdefault(invoice["CustomerRef"]["value"], invoice)
    return list(found.values())[:count]


def test_the_next_sync_brings_exactly_what_was_done_and_says_so(synced_demo):
    changed_one, voided, deleted, paid = unpaid_invoices(synced_demo, 4)
    renamed = next(
        c
        for c in synced_demo.objects("Customer")
        if c["Active"] and c["Id"] not in {i["CustomerRef"]["value"] for i in (changed_one, voided, deleted, paid)}
    )
    synced_demo.edit("update", "Customer", renamed["Id"], DisplayName="Harbour Street Bakery (new owner)")
    item_line = next(line for line in changed_one["Line"] if line["DetailType"] == "SalesItemLineDetail")
    lines = [line for line in changed_one["Line"] if line["DetailType"] != "SubTotalLineDetail"]
    detail = {**item_line["SalesItemLineDetail"], "Qty": 7, "UnitPrice": 11.5}
    lines[lines.index(item_line)] = {**item_line, "Amount": 80.5, "SalesItemLineDetail": detail}
    after_change = synced_demo.edit("update", "Invoice", changed_one["Id"], Line=lines)
    synced_demo.edit("void", "Invoice", voided["Id"])
    synced_demo.edit("delete", "Invoice", deleted["Id"])
    payment = synced_demo.edit(
        "create",
        "Payment",
        CustomerRef=paid["CustomerRef"],
        CurrencyRef=paid["CurrencyRef"],
        TotalAmt=10,
        Line=[{"Amount": 10, "LinkedTxn": [{"TxnId": paid["Id"], "TxnType": "Invoice"}]}],
    )
    versions = {(r["entity"], r["ledger_id"]): r["version"] for r in all_versions(synced_demo)}

    report = synced_demo.sync()

    # The paid invoice is changed by QuickBooks itself: its balance fell.
    touched = {entity: counts for entity, counts in changed(report).items() if entity != "accounts"}
    assert touched == {"customers": (0, 1, 0), "invoices": (0, 3, 1), "payments": (1, 0, 0)}
    assert report.api_calls == 1
    assert synced_demo.ledger_row("customers", renamed["Id"])["name"] == "Harbour Street Bakery (new owner)"
    now_changed = synced_demo.ledger_row("invoices", changed_one["Id"])
    assert now_changed["total_amount"] == Decimal(str(after_change["TotalAmt"]))
    (line,) = synced_demo.rows(
        "select quantity, unit_price, amount from ledger.invoice_lines where invoice_id = %s and line_key = %s",
        now_changed["ledger_id"],
        item_line["Id"],
    )
    assert line == {"quantity": Decimal(7), "unit_price": Decimal("11.5"), "amount": Decimal("80.5")}
    now_void = synced_demo.ledger_row("invoices", voided["Id"])
    assert (now_void["is_void"], now_void["is_deleted"], now_void["total_amount"]) == (True, False, 0)
    assert now_void["document_number"] == voided["DocNumber"]
    now_deleted = synced_demo.ledger_row("invoices", deleted["Id"])
    assert (now_deleted["is_deleted"], now_deleted["total_amount"]) == (True, Decimal(str(deleted["TotalAmt"])))
    (application,) = synced_demo.rows(
        "select a.amount, a.document_id from ledger.payment_applications a where a.payment_id = %s",
        synced_demo.ledger_row("payments", payment["Id"])["ledger_id"],
    )
    now_paid = synced_demo.ledger_row("invoices", paid["Id"])
    assert application == {"amount": Decimal(10), "document_id": now_paid["ledger_id"]}
    assert now_paid["open_amount"] == Decimal(str(paid["Balance"])) - 10
    # Nothing else moved: every other row of the ledger is at the version it had.
    moved = {(r["entity"], r["ledger_id"]) for r in all_versions(synced_demo)} - set(versions) | {
        (r["entity"], r["ledger_id"])
        for r in all_versions(synced_demo)
        if versions.get((r["entity"], r["ledger_id"]), r["version"]) != r["version"]
    }
    assert len(moved) == 6
    assert all(result.difference == 0 and not result.breaks for result in synced_demo.reconcile().values())


def test_the_log_of_the_sync_tells_the_same(synced_demo):
    (invoice,) = unpaid_invoices(synced_demo, 1)
    synced_demo.edit("void", "Invoice", invoice["Id"])

    synced_demo.sync()

    (entry,) = synced_demo.rows("select state, api_calls, outcome from sync.runs order by run_id desc limit 1")
    told = {entity: o["updated"] for entity, o in entry["outcome"].items() if o["updated"] and entity != "accounts"}
    assert (entry["state"], entry["api_calls"], told) == ("done", 1, {"invoices": 1})


def test_a_deactivated_customer_arrives_as_inactive_and_stays(synced_demo):
    customer = next(c for c in synced_demo.objects("Customer") if c["Active"] and c["Balance"] == 0)
    synced_demo.edit("update", "Customer", customer["Id"], Active=False)

    report = synced_demo.sync()

    assert changed(report)["customers"] == (0, 1, 0)
    row = synced_demo.ledger_row("customers", customer["Id"])
    assert (row["is_active"], row["is_deleted"]) == (False, False)


def test_what_is_ended_over_there_ends_here_as_it_did_there(synced_demo):
    books = synced_demo
    vendor = next(v for v in books.objects("Vendor") if v["Active"] and v["Balance"] == 0)
    item = next(i for i in books.objects("Item") if i["Active"])
    payment = next(p for p in books.objects("Payment") if p["TotalAmt"] > 0 and len(linked(p)) == 1)
    bill_payment = next(p for p in books.objects("BillPayment") if p["TotalAmt"] > 0 and len(linked(p)) == 1)
    bill, order = (next(d for d in books.objects(k) if not d.get("LinkedTxn")) for k in ("Bill", "PurchaseOrder"))
    credit = next(c for c in books.objects("CreditMemo") if c["RemainingCredit"] == c["TotalAmt"] > 0)
    (invoice,), (paid_bill,) = linked(payment), linked(bill_payment)
    was_open = books.ledger_row("invoices", invoice)["open_amount"], books.ledger_row("bills", paid_bill)["open_amount"]
    for entity, one in (("Vendor", vendor), ("Item", item)):
        books.edit("update", entity, one["Id"], Active=False)
    for entity, one in (("Payment", payment), ("BillPayment", bill_payment)):
        books.edit("void", entity, one["Id"])
    for entity, one in (("Bill", bill), ("CreditMemo", credit), ("PurchaseOrder", order)):
        books.edit("delete", entity, one["Id"])

    touched = {entity: counts for entity, counts in changed(books.sync()).items() if entity != "accounts"}

    # What was settled is changed by QuickBooks itself: it is open again.
    assert touched == {
        "vendors": (0, 1, 0),
        "items": (0, 1, 0),
        "invoices": (0, 1, 0),
        "payments": (0, 1, 0),
        "bills": (0, 1, 1),
        "bill_payments": (0, 1, 0),
        "credit_memos": (0, 0, 1),
        "purchase_orders": (0, 0, 1),
    }
    for entity, one in (("vendors", vendor), ("items", item)):
        row = books.ledger_row(entity, one["Id"])
        assert (row["is_active"], row["is_deleted"]) == (False, False)
    for entity, one in (("payments", payment), ("bill_payments", bill_payment)):
        row = books.ledger_row(entity, one["Id"])
        assert (row["is_void"], row["is_deleted"], row["total_amount"]) == (True, False, 0)
    for entity, one in (("bills", bill), ("credit_memos", credit), ("purchase_orders", order)):
        row = books.ledger_row(entity, one["Id"])
        assert (row["is_deleted"], row["total_amount"]) == (True, Decimal(str(one["TotalAmt"])))
    now_open = books.ledger_row("invoices", invoice)["open_amount"], books.ledger_row("bills", paid_bill)["open_amount"]
    freed = tuple(Decimal(str(one["TotalAmt"])) for one in (payment, bill_payment))
    assert tuple(now - was for now, was in zip(now_open, was_open, strict=True)) == freed
    assert all(result.difference == 0 and not result.breaks for result in books.reconcile().values())


def linked(payment: dict) -> list[str]:
    """The ids of what a payment settles."""
    return [link["TxnId"] for line in payment["Line"] for link in line["LinkedTxn"]]


def test_a_reconciliation_brings_what_changed_meanwhile_before_it_speaks_of_a_break(synced_demo):
    (invoice,) = unpaid_invoices(synced_demo, 1)
    synced_demo.edit("delete", "Invoice", invoice["Id"])

    found = synced_demo.reconcile("ar")

    assert all(result.difference == 0 and not result.breaks for result in found.values())
    assert synced_demo.ledger_row("invoices", invoice["Id"])["is_deleted"]


def all_versions(books: Books) -> list[dict]:
    return books.rows(
        " union all ".join(
            f"select '{entity.name}' as entity, ledger_id, version from ledger.{entity.name}" for entity in entities()
        )
    )
