"""The ledger over HTTP: read in pages, written once however often it is asked, changed only as it was read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.books import Books
from tests.gateway.conftest import Client
from tests.house import CONNECTION


@pytest.fixture
def invoice(books: Books) -> dict:
    """What a new invoice is made from."""
    customer = books.value(
        "select ledger_id from ledger.customers where is_active and currency = 'USD' order by 1 limit 1"
    )
    item = books.value("select ledger_id from ledger.items where is_active and kind = 'service' order by 1 limit 1")
    return {
        "customer_id": customer,
        "issue_date": "2026-03-01",
        "currency": "USD",
        "total_amount": "30.25",
        "memo": "Grüße, 東京 ' ; drop table ledger.invoices; -- <script>alert(1)</script>",
        "lines": [
            {"kind": "item", "item_id": item, "description": "one", "amount": "10.25"},
            {"kind": "item", "item_id": item, "description": "two", "amount": "20.00"},
        ],
    }


def test_every_entity_is_read_to_its_end_in_pages(viewer: Client, books: Books):
    for entity in ("customers", "vendors", "items", "invoices", "payments", "bills", "purchase_orders"):
        ids, after = [], 0
        while after is not None:
            page = viewer.get(f"/v1/{entity}?limit=500&after={after}").json()
            ids += [row["ledger_id"] for row in page["items"]]
            after = page["next"]
        assert ids == sorted(set(ids))
        assert len(ids) == books.value(f"select count(*) from ledger.{entity}") > 0


def test_a_document_is_shown_with_its_lines_and_exact_amounts(viewer: Client, books: Books):
    (row,) = books.rows(
        "select ledger_id, total_amount, version, (select count(*) from ledger.invoice_lines l"
        " where l.invoice_id = i.ledger_id) as lines from ledger.invoices i where tax_amount <> 0 order by 1 limit 1"
    )

    shown = viewer.get(f"/v1/invoices/{row['ledger_id']}")

    assert shown.headers["ETag"] == f'"{row["version"]}"'
    assert isinstance(shown.json()["total_amount"], str)
    assert Decimal(shown.json()["total_amount"]) == row["total_amount"]
    assert len(shown.json()["lines"]) == row["lines"]


def test_what_changed_since_is_asked_for_by_an_instant_with_an_offset(viewer: Client):
    before = datetime.now(UTC)
    assert viewer.get("/v1/invoices?changed_since=2026-01-01").status_code == 422
    future = before.replace(year=before.year + 1).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert viewer.get(f"/v1/invoices?changed_since={future}").json()["items"] == []
    assert viewer.get("/v1/invoices?changed_since=2000-01-01T00:00:00%2B02:00&limit=1").json()["next"] is not None
    assert viewer.get("/v1/invoices?connection=nobody").json()["items"] == []


def test_a_new_invoice_is_made_once_however_often_it_is_asked_for_and_pushed(
    operator: Client, books: Books, invoice: dict
):
    first = operator.post("/v1/invoices", invoice, Idempotency_Key="order-1")
    again = operator.post("/v1/invoices", invoice, Idempotency_Key="order-1")
    other = operator.post("/v1/invoices", {**invoice, "total_amount": "31.00"}, Idempotency_Key="order-1")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"
    made = first.json()
    assert first.headers["Location"] == f"/v1/invoices/{made['ledger_id']}"
    assert (made["total_amount"], made["net_amount"], made["open_amount"]) == ("30.25", "30.25", "30.25")
    assert (made["memo"], made["changed_by"], made["connection"]) == (invoice["memo"], "api:a operator", CONNECTION)
    assert [line["position"] for line in made["lines"]] == [1, 2]
    # It is an edit like any other, and goes to the ERP.
    books.push()
    assert [one["message"] for one in books.open_errors()] == []
    assert [
        i["CustomerMemo"]["value"]
        for i in books.objects("Invoice")
        if i.get("CustomerMemo", {}).get("value") == invoice["memo"]
    ]


def test_an_invoice_is_changed_only_as_it_was_read(operator: Client, invoice: dict):
    made = operator.post("/v1/invoices", invoice, Idempotency_Key="order-2").json()
    path, (one, two) = f"/v1/invoices/{made['ledger_id']}", made["lines"]
    read = operator.get(path).headers["ETag"]

    assert operator.call("PATCH", path, {"memo": "blind"}).status_code == 428
    changed = operator.call(
        "PATCH",
        path,
        {
            "memo": "seen",
            "total_amount": "40.25",
            "net_amount": "40.25",
            "lines": [
                {"part_id": one["part_id"], "amount": "20.25"},
                {"kind": "item", "item_id": two["item_id"], "description": "three", "amount": "20.00"},
            ],
        },
        If_Match=read,
    )
    stale = operator.call("PATCH", path, {"memo": "late"}, If_Match=read)

    assert changed.status_code == 200, changed.text
    assert (changed.json()["memo"], changed.json()["version"]) == ("seen", made["version"] + 1)
    assert [(line["description"], line["amount"]) for line in changed.json()["lines"]] == [
        ("one", "20.25"),
        ("three", "20.00"),
    ]
    assert stale.status_code == 412 and stale.headers["ETag"] == changed.headers["ETag"]
    assert operator.get(path).json()["memo"] == "seen"
    foreign = operator.call("PATCH", path, {"lines": [{"part_id": 999_999_999}]}, If_Match=changed.headers["ETag"])
    assert foreign.status_code == 422 and "999999999" in foreign.json()["detail"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"total_amount": 30.25}, "an amount is a text", id="a float"),
        pytest.param({"total_amount": "1e5"}, "an amount is a text", id="an exponent"),
        pytest.param({"total_amount": "NaN"}, "an amount is a text", id="not a number"),
        pytest.param({"total_amount": "1.1234567"}, "6 behind it", id="too fine"),
        pytest.param({"customer_id": 999_999_999}, "customer", id="an unknown customer"),
        pytest.param({"customer_id": 2**63}, "less than or equal", id="an id too large"),
        pytest.param({"issue_date": "2026-02-30"}, "day", id="no such day"),
        pytest.param({"issue_date": None}, "day", id="no day"),
        pytest.param({"memo": "a\x00b"}, "no text can have", id="a nul"),
        pytest.param({"memo": "\ud800"}, "string", id="half a character"),
        pytest.param({"memo": "x" * 5000}, "at most 4000", id="a novel"),
        pytest.param({"colour": "red"}, "Extra inputs", id="an unknown field"),
        pytest.param({"connection": "nobody"}, "nobody", id="an unknown company"),
        pytest.param({"version": 7}, "Extra inputs", id="a column of ours"),
        pytest.param({"lines": [{"kind": "magic", "amount": "1.00"}]}, "'item'", id="an unknown kind"),
        pytest.param({"lines": "none"}, "list", id="lines that are none"),
    ],
)
def test_wrong_values_are_refused_by_name_and_nothing_is_written(
    operator: Client, books: Books, invoice: dict, change: dict, said: str
):
    before = books.value("select count(*) from ledger.invoices")

    refused = operator.post("/v1/invoices", {**invoice, **change}, Idempotency_Key=f"wrong-{said}")

    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.text
    assert books.value("select count(*) from ledger.invoices") == before


def test_a_write_without_a_key_of_its_own_is_refused(operator: Client, invoice: dict):
    assert operator.post("/v1/invoices", invoice).status_code == 428
    assert operator.post("/v1/invoices", invoice, Idempotency_Key="").status_code == 422
    assert operator.post("/v1/invoices", invoice, Idempotency_Key="x" * 201).status_code == 422
