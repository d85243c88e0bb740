"""Writes: what is computed, what is ignored, when a SyncToken moves, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.quickbooks.company import REALM, Company


@pytest.fixture
def company() -> Company:
    return Company()


def test_an_update_that_changes_nothing_keeps_token_and_time(company: Company):
    invoice = company.invoice(company.customer())
    company.later()

    full = company.post("Invoice", invoice)
    sparse = company.post(
        "Invoice", {"Id": invoice["Id"], "SyncToken": "0", "sparse": True, "TotalAmt": 7, "Balance": 1}
    )

    assert full == sparse == company.get("Invoice", invoice["Id"])
    assert (full["SyncToken"], full["MetaData"]) == ("0", invoice["MetaData"])


def test_every_real_change_moves_token_and_time_and_a_stale_token_is_refused(company: Company):
    invoice = company.invoice(company.customer())
    company.later()
    change = {"Id": invoice["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "call first"}

    changed = company.post("Invoice", change)

    assert changed["SyncToken"] == "1"
    assert changed["MetaData"]["LastUpdatedTime"] > invoice["MetaData"]["LastUpdatedTime"]
    assert changed["Line"] == invoice["Line"]
    assert company.fault("POST", "/invoice", change)["code"] == "5010"
    assert company.fault("POST", "/invoice", {"Id": invoice["Id"], "sparse": True})["element"] == "SyncToken"


def test_even_a_sparse_bill_names_its_vendor(company: Company):
    vendor = company.vendor()
    change = {"Id": company.bill(vendor)["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "late"}

    assert company.fault("POST", "/bill", change)["element"] == "VendorRef"
    assert company.post("Bill", {**change, "VendorRef": {"value": vendor}})["SyncToken"] == "1"


def test_a_full_update_clears_what_is_not_sent(company: Company):
    customer = company.customer(Notes="pays late", PrimaryEmailAddr={"Address": "amy@example.com"})

    updated = company.post("Customer", {"Id": customer, "SyncToken": "0", "DisplayName": "Amy"})

    assert "Notes" not in updated and "PrimaryEmailAddr" not in updated
    assert updated["Taxable"] is True and updated["DefaultTaxCodeRef"] == {"value": "2"}


def test_a_purchase_order_loses_its_number_in_a_full_update_and_a_credit_memo_does_not(company: Company):
    vendor, customer, item = company.vendor(), company.customer(), company.item()
    line = {"Amount": 5, "DetailType": "ItemBasedExpenseLineDetail"}
    body: dict[str, Any] = {
        "VendorRef": {"value": vendor},
        "APAccountRef": {"value": "33"},
        "Line": [{**line, "ItemBasedExpenseLineDetail": {"ItemRef": {"value": item}}}],
    }
    order = company.post("PurchaseOrder", body)
    sale = {"Amount": 5, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": item}}}
    memo = company.post("CreditMemo", {"CustomerRef": {"value": customer}, "Line": [sale]})

    order = company.post("PurchaseOrder", {**body, "Id": order["Id"], "SyncToken": "0", "Memo": "new"})
    again = {"CustomerRef": {"value": customer}, "Line": [sale], "Id": memo["Id"], "SyncToken": "0", "PrivateNote": "n"}

    assert "DocNumber" not in order
    assert company.post("CreditMemo", again)["DocNumber"] == memo["DocNumber"]


def test_a_line_keeps_its_id_when_it_is_sent_and_is_a_new_line_when_it_is_not(company: Company):
    invoice = company.invoice(company.customer())
    line = {key: each for key, each in invoice["Line"][0].items() if key != "Id"}
    kept = company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0", "sparse": True, "Line": [line]})

    assert [each.get("Id") for each in invoice["Line"]] == ["1", None]
    assert [each.get("Id") for each in kept["Line"]] == ["2", None]


def test_totals_are_computed_with_tax_by_rate(company: Company):
    company.load(
        TaxRate=[
            {"Id": "8", "Name": "State", "RateValue": Decimal("7.1")},
            {"Id": "9", "Name": "City", "RateValue": 2},
        ],
        TaxCode=[
            {
                "Id": "7",
                "Name": "Tucson",
                "SalesTaxRateList": {
                    "TaxRateDetail": [{"TaxRateRef": {"value": "8"}}, {"TaxRateRef": {"value": "9"}}],
                },
            }
        ],
    )
    detail = {
        "ItemRef": {"value": company.item()},
        "Qty": 4,
        "UnitPrice": Decimal("105.5"),
        "TaxCodeRef": {"value": "TAX"},
    }
    line = {"Amount": 422, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    body = {
        "CustomerRef": {"value": company.customer()},
        "Line": [line],
        "TxnTaxDetail": {"TxnTaxCodeRef": {"value": "7"}},
    }

    invoice = company.post("Invoice", body)

    assert [each["Amount"] for each in invoice["TxnTaxDetail"]["TaxLine"]] == [Decimal("29.96"), Decimal("8.44")]
    assert invoice["TotalAmt"] == invoice["Balance"] == Decimal("460.40")


def test_a_percentage_discount_comes_off_after_the_subtotal(company: Company):
    item = company.item()
    sale = {"Amount": 200, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": item}}}
    discount = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10}}

    invoice = company.post("Invoice", {"CustomerRef": {"value": company.customer()}, "Line": [sale, discount]})

    assert [each["DetailType"] for each in invoice["Line"]] == [
        "SalesItemLineDetail",
        "SubTotalLineDetail",
        "DiscountLineDetail",
    ]
    assert invoice["TotalAmt"] == 180


def test_applying_a_payment_moves_the_invoice_and_only_the_time_of_the_customer(company: Company):
    customer = company.customer()
    invoice = company.invoice(customer, Decimal("100.00"))
    company.later()

    payment = company.payment(customer, 60, (invoice["Id"], 50))

    paid, owner = company.get("Invoice", invoice["Id"]), company.get("Customer", customer)
    assert (paid["Balance"], paid["SyncToken"]) == (50, "1")
    assert paid["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "Payment"}]
    assert paid["MetaData"]["LastUpdatedTime"] == payment["MetaData"]["CreateTime"]
    assert payment["UnappliedAmt"] == 10
    assert (owner["Balance"], owner["SyncToken"]) == (40, "0")
    assert owner["MetaData"]["LastUpdatedTime"] == payment["MetaData"]["CreateTime"]
    company.post("Payment", {"Id": payment["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "x"})
    assert company.get("Invoice", invoice["Id"])["SyncToken"] == "1"


def test_the_first_of_two_payments_shows_what_is_open_now_plus_its_own_part(company: Company):
    customer = company.customer()
    invoice = company.invoice(customer, Decimal("2369.52"))
    first = company.payment(customer, 694, (invoice["Id"], 694))
    company.payment(customer, Decimal("1675.52"), (invoice["Id"], Decimal("1675.52")))

    (line,) = company.get("Payment", first["Id"])["Line"]

    shown = {each["value"]["Name"]: each["value"]["Value"] for each in line["LineEx"]["any"]}
    assert shown == {
        "txnId": invoice["Id"],
        "txnOpenBalance": "694.00",
        "txnReferenceNumber": invoice["DocNumber"],
    }


@pytest.mark.parametrize("operation", ["void", "delete"])
def test_taking_an_invoice_away_releases_its_payments(company: Company, operation: str):
    customer = company.customer()
    invoice = company.invoice(customer, 100)
    payment = company.payment(customer, 100, (invoice["Id"], 100))

    company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "1"}, f"?operation={operation}")

    released = company.get("Payment", payment["Id"])
    assert (released["Line"], released["UnappliedAmt"], released["SyncToken"]) == ([], 100, "1")
    assert company.get("Customer", customer)["Balance"] == -100


def test_a_void_leaves_a_zeroed_invoice_and_says_so(company: Company):
    invoice = company.invoice(company.customer(), 100, PrivateNote="urgent")

    voided = company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, "?operation=void")

    assert (voided["TotalAmt"], voided["Balance"], voided["SyncToken"]) == (0, 0, "1")
    assert voided["PrivateNote"].startswith("Voided") and "urgent" in voided["PrivateNote"]
    assert [line["Amount"] for line in voided["Line"]] == [0, 0]


def test_a_payment_is_voided_by_an_update_that_includes_void(company: Company):
    customer = company.customer()
    invoice = company.invoice(customer, 100)
    payment = company.payment(customer, 100, (invoice["Id"], 100))

    body = {"Id": payment["Id"], "SyncToken": "0", "sparse": True}
    voided = company.post("Payment", body, "?operation=update&include=void")

    assert (voided["TotalAmt"], voided["UnappliedAmt"], voided["Line"]) == (0, 0, [])
    reopened = company.get("Invoice", invoice["Id"])
    assert (reopened["Balance"], reopened["LinkedTxn"]) == (100, [])
    assert company.get("Customer", customer)["Balance"] == 100


def test_a_deleted_invoice_is_gone_from_reads_and_queries_and_is_a_stub_in_cdc(company: Company):
    invoice = company.invoice(company.customer())
    company.later()

    answer = company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, "?operation=delete")

    assert answer == {"domain": "QBO", "status": "Deleted", "Id": invoice["Id"]}
    assert company.fault("GET", f"/invoice/{invoice['Id']}")["code"] == "610"
    assert company.select(f"select * from Invoice where Id = '{invoice['Id']}'") == {}
    status, changes = company.call("GET", "/cdc?entities=Invoice&changedSince=2026-11-21T00:00:00Z")
    (stub,) = changes["CDCResponse"][0]["QueryResponse"][0]["Invoice"]
    assert (status, stub["status"], stub["Id"]) == (200, "Deleted", invoice["Id"])


def test_an_inactive_name_gets_a_suffix_and_its_old_name_stays_taken(company: Company):
    vendor = company.vendor("Bob's Burger Joint")

    gone = company.post("Vendor", {"Id": vendor, "SyncToken": "0", "sparse": True, "Active": False})

    assert gone["DisplayName"] == "Bob's Burger Joint (deleted)"
    assert gone["PrintOnCheckName"] == "Bob's Burger Joint"
    assert company.fault("POST", "/vendor", {"DisplayName": "Bob's Burger Joint"})["code"] == "6240"
    company.erp.turn({"inactive_name": "free"})
    company.vendor("Bob's Burger Joint")


def test_a_rename_shows_in_every_reference_at_once_and_moves_no_token(company: Company):
    customer = company.customer("Before")
    invoice = company.invoice(customer)
    company.later()

    company.post("Customer", {"Id": customer, "SyncToken": "0", "sparse": True, "DisplayName": "After"})

    seen = company.get("Invoice", invoice["Id"])
    assert seen["CustomerRef"] == {"value": customer, "name": "After"}
    assert (seen["SyncToken"], seen["MetaData"]) == (invoice["SyncToken"], invoice["MetaData"])


def test_a_bill_on_all_lines_of_an_order_closes_it_and_its_deletion_opens_it_again(company: Company):
    vendor, item = company.vendor(), company.item()
    detail = {"ItemRef": {"value": item}, "Qty": 2, "UnitPrice": 10}
    line = {"Amount": 20, "DetailType": "ItemBasedExpenseLineDetail", "ItemBasedExpenseLineDetail": detail}
    order = company.post(
        "PurchaseOrder", {"VendorRef": {"value": vendor}, "APAccountRef": {"value": "33"}, "Line": [line, line]}
    )
    links = [[{"TxnId": order["Id"], "TxnType": "PurchaseOrder", "TxnLineId": key}] for key in ("1", "2")]

    half = company.post("Bill", {"VendorRef": {"value": vendor}, "Line": [{**line, "LinkedTxn": links[0]}]})
    assert company.get("PurchaseOrder", order["Id"])["POStatus"] == "Open"
    company.post("Bill", {"VendorRef": {"value": vendor}, "Line": [{**line, "LinkedTxn": links[1]}]})
    assert company.get("PurchaseOrder", order["Id"])["POStatus"] == "Closed"
    assert (
        company.fault("POST", "/purchaseorder?operation=delete", {"Id": order["Id"], "SyncToken": "2"})["code"]
        == "6000"
    )
    company.post("Bill", {"Id": half["Id"], "SyncToken": "0"}, "?operation=delete")
    assert company.get("PurchaseOrder", order["Id"])["POStatus"] == "Open"


def test_a_second_currency_has_its_own_control_accounts_and_home_amounts(company: Company):
    company.post("Preferences", {"SyncToken": "0", "sparse": True, "CurrencyPrefs": {"MultiCurrencyEnabled": True}})
    company.load(ExchangeRate=[{"SourceCurrencyCode": "EUR", "AsOfDate": "2026-01-01", "Rate": Decimal("1.25")}])
    customer = company.customer("Weber GmbH", CurrencyRef={"value": "EUR"})

    invoice = company.invoice(customer, Decimal("80.00"))
    company.payment(customer, 30, (invoice["Id"], 30))

    assert (invoice["ExchangeRate"], invoice["HomeTotalAmt"]) == (Decimal("1.25"), 100)
    assert company.get("Invoice", invoice["Id"])["HomeBalance"] == Decimal("62.50")
    (account,) = company.select("select * from Account where Name = 'Accounts Receivable (A/R) - EUR'")["Account"]
    assert (account["CurrentBalance"], account["CurrencyRef"]["value"]) == (50, "EUR")
    assert company.get("Account", "84")["CurrentBalance"] == 0
    wrong = {"CustomerRef": {"value": customer}, "TotalAmt": 1, "CurrencyRef": {"value": "USD"}}
    assert company.fault("POST", "/payment", wrong)["code"] == "6000"


def test_a_repeated_requestid_brings_the_first_answer_and_does_nothing(company: Company):
    path = f"/v3/company/{REALM}/customer?requestid=once"

    first = company.send("POST", path, {"DisplayName": "Only one"})
    second = company.send("POST", path, {"DisplayName": "Another"})

    assert first.body == second.body
    assert company.select("select count(*) from Customer") == {"totalCount": 1}
    company.erp.turn({"request_id_with_other_body": "fault"})
    assert b'"600"' in company.send("POST", path, {"DisplayName": "Another"}).body


def test_items_of_a_batch_stand_and_fall_alone(company: Company):
    items = [
        {"bId": "a", "operation": "create", "Vendor": {"DisplayName": "X"}},
        {"bId": "b", "operation": "create", "Vendor": {"DisplayName": "X"}},
        {"bId": "c", "Query": "select * from Vendor"},
    ]

    status, answer = company.call("POST", "/batch", {"BatchItemRequest": items})

    made, refused, found = answer["BatchItemResponse"]
    assert status == 200
    assert made["Vendor"]["DisplayName"] == "X" and made["bId"] == "a"
    assert refused["Fault"]["Error"][0]["code"] == "6240"
    assert found["QueryResponse"]["Vendor"][0]["Id"] == made["Vendor"]["Id"]
    many = [{"bId": str(n), "Query": "select * from Vendor"} for n in range(31)]
    assert company.fault("POST", "/batch", {"BatchItemRequest": many})["code"] == "1040"


def sale(item: str, **more: Any) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item}, **more.pop("detail", {})}
    return {"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail, **more}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"Nonsense": 1}, "2010", id="unknown property"),
        pytest.param({"Line": [{"Amount": 1, "DetailType": "SalesItemLineDetail", "Foo": 1}]}, "2010", id="in a line"),
        pytest.param({"TxnDate": "soon"}, "2010", id="no date"),
        pytest.param({"DocNumber": "x" * 22}, "2050", id="too long"),
        pytest.param({"CustomerRef": None}, "2020", id="no customer"),
        pytest.param({"Line": []}, "2020", id="no line"),
        pytest.param({"Line": [{"Amount": 1}]}, "2020", id="line of no kind"),
        pytest.param({"CustomerRef": {"value": "999"}}, "2500", id="no such customer"),
        pytest.param({"Line": [sale("999")]}, "2500", id="no such item"),
        pytest.param({"Line": [sale("1", detail={"Qty": 2, "UnitPrice": 4})]}, "6070", id="not quantity x price"),
        pytest.param({"Line": [sale("1", Amount=Decimal("1.005"))]}, "6000", id="three decimals"),
        pytest.param({"Line": [sale("1", Amount=Decimal("1e15"))]}, "6000", id="absurd amount"),
        pytest.param({"CurrencyRef": {"value": "EUR"}}, "6000", id="foreign without multicurrency"),
        pytest.param({"DocNumber": "TAKEN"}, "6140", id="number taken"),
    ],
)
def test_a_wrong_invoice_is_refused_and_changes_nothing(company: Company, change: dict[str, Any], code: str):
    customer = company.customer()
    company.invoice(customer, 10, DocNumber="TAKEN")
    before = b"".join(company.erp.state(None))
    body = {"CustomerRef": {"value": customer}, "Line": [sale("1")], **change}

    assert company.fault("POST", "/invoice", body)["code"] == code
    assert b"".join(company.erp.state(None)) == before


def test_a_payment_cannot_pay_more_than_is_open_or_than_it_has(company: Company):
    customer, other = company.customer("One"), company.customer("Two")
    invoice = company.invoice(customer, 100)

    def refused(payer: str, total: int, part: int) -> str:
        line = {"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        return company.fault("POST", "/payment", {"CustomerRef": {"value": payer}, "TotalAmt": total, "Line": [line]})[
            "code"
        ]

    assert refused(customer, 200, 150) == "6000"
    assert refused(customer, 50, 60) == "6000"
    assert refused(other, 50, 50) == "6000"
    assert company.get("Invoice", invoice["Id"])["Balance"] == 100


def test_the_books_are_closed_before_the_closing_date(company: Company):
    company.post(
        "Preferences", {"SyncToken": "0", "sparse": True, "AccountingInfoPrefs": {"BookCloseDate": "2025-12-31"}}
    )
    customer, item = company.customer(), company.item()

    body = {"CustomerRef": {"value": customer}, "Line": [sale(item)], "TxnDate": "2025-12-31"}

    assert company.fault("POST", "/invoice", body)["code"] == "6210"
    company.post("Invoice", {**body, "TxnDate": "2026-01-01"})


def test_sending_moves_the_time_and_not_the_token(company: Company):
    invoice = company.invoice(company.customer())
    company.later()

    sent = company.post("Invoice", {}, f"/{invoice['Id']}/send?sendTo=amy@example.com")

    assert (sent["EmailStatus"], sent["SyncToken"]) == ("EmailSent", "0")
    assert sent["MetaData"]["LastUpdatedTime"] > invoice["MetaData"]["LastUpdatedTime"]


def test_later_edits_move_given_balances_by_their_difference_only(company: Company):
    company.load(
        Customer=[{"Id": "500", "DisplayName": "Loaded", "Active": True, "Balance": Decimal("777.77")}],
        Account=[{**company.get("Account", "84"), "CurrentBalance": Decimal("1000.00")}],
    )

    company.invoice("500", Decimal("22.23"))

    assert company.get("Customer", "500")["Balance"] == Decimal("800.00")
    assert company.get("Account", "84")["CurrentBalance"] == Decimal("1022.23")


def test_a_reference_to_nothing_is_a_missing_one(company: Company):
    detail = {"ItemRef": {"value": company.item()}}
    line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}

    error = company.fault("POST", "/invoice", {"CustomerRef": {}, "Line": [line]})

    assert (error["code"], error["element"]) == ("2020", "CustomerRef")


def test_a_taxable_invoice_has_750_lines_at_most_and_another_more(company: Company):
    customer, item = company.customer(), company.item()
    taxable = sale(item, detail={"TaxCodeRef": {"value": "TAX"}})

    def of(*lines: dict[str, Any]) -> dict[str, Any]:
        return {"CustomerRef": {"value": customer}, "Line": list(lines)}

    company.post("Invoice", of(*[taxable] * 750))
    company.post("Invoice", of(*[sale(item)] * 751))
    assert company.fault("POST", "/invoice", of(*[sale(item)] * 750, taxable))["code"] == "6000"


@pytest.mark.parametrize(("country", "longest"), [("US", 7), ("AU", 20)])
def test_the_number_of_an_account_is_short_and_what_a_vendor_calls_us_is_not(
    company: Company, country: str, longest: int
):
    company.load(CompanyInfo=[{**company.get("CompanyInfo", "1"), "Country": country}])
    account = {"Name": "Van", "AccountType": "Expense"}

    error = company.fault("POST", "/account", {**account, "AcctNum": "1" * (longest + 1)})
    assert (error["code"], error["element"]) == ("2050", "AcctNum")
    assert company.post("Account", {**account, "AcctNum": "1" * longest})["AcctNum"] == "1" * longest
    assert company.post("Vendor", {"DisplayName": "Bessie", "AcctNum": "1" * 21})["AcctNum"] == "1" * 21
