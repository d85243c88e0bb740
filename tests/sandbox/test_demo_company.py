"""The demo company's books, added up from its objects alone: balances, totals, taxes and links follow to the cent."""

import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest

from sandbox.quickbooks.demo import build_company

CENT = Decimal("0.01")
DOCUMENT_KINDS = ("Invoice", "CreditMemo", "Bill", "VendorCredit")


@pytest.fixture(scope="module", params=[2026, 1], ids=["seed 2026", "seed 1"])
def company(request):
    return build_company(seed=request.param)


@pytest.fixture(scope="module")
def applied(company):
    """What payments apply to each document, from the payments' lines: {(kind, id): [(payment id, amount)]}."""
    found = defaultdict(list)
    for payment in company["Payment"] + company["BillPayment"]:
        for line in payment["Line"]:
            (link,) = line["LinkedTxn"]
            found[link["TxnType"], link["TxnId"]].append((payment["Id"], line["Amount"]))
    return found


def rounded(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)


def total_of(amounts):
    return sum(amounts, Decimal("0.00"))


def lines_of(document, detail_type):
    return [line for line in document["Line"] if line["DetailType"] == detail_type]


def is_void(invoice):
    return invoice.get("PrivateNote", "").startswith("Voided")


def test_the_company_has_the_promised_size(company):
    sizes = {entity: len(objects) for entity, objects in company.items()}

    assert (sizes["Customer"], sizes["Vendor"], sizes["Item"], sizes["Account"]) == (200, 80, 120, 60)
    assert (sizes["Invoice"], sizes["Bill"], sizes["PurchaseOrder"]) == (1500, 400, 60)
    assert sizes["Payment"] > 900 and sizes["BillPayment"] > 200 and sizes["CreditMemo"] == 60
    assert sizes["VendorCredit"] == 24 and sizes["CompanyInfo"] == sizes["Preferences"] == 1
    assert {item["Type"] for item in company["Item"]} == {"Service", "Inventory", "NonInventory", "Category"}


def test_the_same_seed_gives_the_same_company_and_another_seed_another():
    assert build_company() == build_company(seed=2026)
    assert build_company(seed=7)["Invoice"] != build_company()["Invoice"]


def test_another_anchor_moves_the_eighteen_months():
    days = [invoice["TxnDate"] for invoice in build_company(anchor=date(2024, 2, 29))["Invoice"]]

    assert "2022-08-30" <= min(days) < "2022-09-15"
    assert "2024-02-15" < max(days) <= "2024-02-29"


def test_every_amount_has_two_decimals(company):
    def amounts(value, key=""):
        if isinstance(value, dict):
            for inner_key, inner in value.items():
                yield from amounts(inner, inner_key)
        elif isinstance(value, list):
            for inner in value:
                yield from amounts(inner, key)
        elif isinstance(value, float):
            pytest.fail(f"{key} is a float")
        elif key in ("Amount", "TotalAmt", "Balance", "UnitPrice", "UnappliedAmt", "HomeTotalAmt", "CurrentBalance"):
            yield value

    found = list(amounts(company))
    assert len(found) > 20_000
    assert all(isinstance(each, Decimal) and each.as_tuple().exponent == -2 for each in found)


def test_sales_totals_are_lines_less_discounts_plus_tax(company):
    for document in company["Invoice"] + company["CreditMemo"]:
        items = lines_of(document, "SalesItemLineDetail")
        (subtotal,) = lines_of(document, "SubTotalLineDetail")
        discounts = lines_of(document, "DiscountLineDetail")
        assert 1 <= len(items) <= 8
        assert subtotal["Amount"] == total_of(line["Amount"] for line in items)
        assert document["Line"] == [*items, subtotal, *discounts]
        off, tax = total_of(line["Amount"] for line in discounts), document["TxnTaxDetail"]["TotalTax"]
        assert document["TotalAmt"] == subtotal["Amount"] - off + tax
        for line in items:
            detail = line["SalesItemLineDetail"]
            assert is_void(document) or line["Amount"] == rounded(detail["Qty"] * detail["UnitPrice"])


def test_each_tax_rate_is_rounded_by_itself(company):
    rates = {rate["Id"]: rate["RateValue"] for rate in company["TaxRate"]}
    two_rates = 0
    for document in company["Invoice"] + company["CreditMemo"]:
        taxed = total_of(
            line["Amount"]
            for line in lines_of(document, "SalesItemLineDetail")
            if line["SalesItemLineDetail"]["TaxCodeRef"]["value"] == "TAX"
        )
        tax_lines = document["TxnTaxDetail"].get("TaxLine", [])
        assert bool(tax_lines) == (taxed > 0)
        for line in tax_lines:
            detail = line["TaxLineDetail"]
            assert detail["NetAmountTaxable"] == taxed
            assert line["Amount"] == rounded(taxed * rates[detail["TaxRateRef"]["value"]] / 100)
        assert document["TxnTaxDetail"]["TotalTax"] == total_of(line["Amount"] for line in tax_lines)
        two_rates += len(tax_lines) == 2
    assert two_rates > 200


def test_open_amounts_are_totals_less_what_is_applied(company, applied):
    for kind in DOCUMENT_KINDS:
        for document in company[kind]:
            used = total_of(amount for _, amount in applied[kind, document["Id"]])
            assert document["Balance"] == document["TotalAmt"] - used >= 0, (kind, document["Id"])
    assert all(memo["RemainingCredit"] == memo["Balance"] for memo in company["CreditMemo"])


def test_payments_split_into_documents_credits_and_an_unapplied_rest(company):
    for payment in company["Payment"]:
        by_kind = Counter()
        for line in payment["Line"]:
            by_kind[line["LinkedTxn"][0]["TxnType"]] += line["Amount"]
        assert payment["TotalAmt"] + by_kind["CreditMemo"] == by_kind["Invoice"] + payment["UnappliedAmt"]
        assert payment["UnappliedAmt"] >= 0
    for payment in company["BillPayment"]:
        signed = [line["Amount"] * (1 if line["LinkedTxn"][0]["TxnType"] == "Bill" else -1) for line in payment["Line"]]
        assert payment["TotalAmt"] == total_of(signed) >= 0


def test_payments_come_in_every_form(company):
    payments = company["Payment"]
    assert sum(payment["UnappliedAmt"] > 0 for payment in payments) > 20
    assert sum(payment["Line"] == [] for payment in payments) == 14
    assert sum(len(payment["Line"]) > 1 and payment["TotalAmt"] > 0 for payment in payments) > 10
    assert sum(payment["TotalAmt"] == 0 for payment in payments) == 28
    partly = [invoice for invoice in company["Invoice"] if 0 < invoice["Balance"] < invoice["TotalAmt"]]
    assert len(partly) > 50
    assert {payment["PayType"] for payment in company["BillPayment"]} == {"Check", "CreditCard"}
    assert sum(0 < bill["Balance"] < bill["TotalAmt"] for bill in company["Bill"]) > 10


def test_payment_lines_show_the_present_open_balance(company):
    documents = {("Invoice", each["Id"]): each for each in company["Invoice"]}
    documents |= {("CreditMemo", each["Id"]): each for each in company["CreditMemo"]}
    for payment in company["Payment"]:
        for line in payment["Line"]:
            link = line["LinkedTxn"][0]
            document = documents[link["TxnType"], link["TxnId"]]
            shown = {entry["value"]["Name"]: entry["value"]["Value"] for entry in line["LineEx"]["any"]}
            assert shown == {
                "txnId": document["Id"],
                "txnOpenBalance": str(document["Balance"] + line["Amount"]),
                "txnReferenceNumber": document["DocNumber"],
            }
            assert payment["CustomerRef"] == document["CustomerRef"]


def test_links_point_both_ways(company, applied):
    for invoice in company["Invoice"]:
        paid_by = {payment_id for payment_id, _ in applied["Invoice", invoice["Id"]]}
        assert {link["TxnId"] for link in invoice["LinkedTxn"]} == paid_by
        assert all(link["TxnType"] == "Payment" for link in invoice["LinkedTxn"])
    for bill in company["Bill"]:
        paid_by = {payment_id for payment_id, _ in applied["Bill", bill["Id"]]}
        assert {link["TxnId"] for link in bill.get("LinkedTxn", [])} == paid_by
        assert all(link["TxnType"] == "BillPaymentCheck" for link in bill.get("LinkedTxn", []))
        assert ("LinkedTxn" in bill) == bool(paid_by)


def test_customer_balances_follow_from_open_documents(company):
    own = defaultdict(Decimal)
    for invoice in company["Invoice"]:
        own[invoice["CustomerRef"]["value"]] += invoice["Balance"]
    for payment in company["Payment"]:
        own[payment["CustomerRef"]["value"]] -= payment["UnappliedAmt"]
    for memo in company["CreditMemo"]:
        own[memo["CustomerRef"]["value"]] -= memo["RemainingCredit"]

    assert {c["Id"]: c["Balance"] for c in company["Customer"]} == {c["Id"]: own[c["Id"]] for c in company["Customer"]}
    jobs = [customer for customer in company["Customer"] if customer["Job"]]
    for customer in company["Customer"]:
        below = total_of(job["Balance"] for job in jobs if job["ParentRef"]["value"] == customer["Id"])
        assert customer["BalanceWithJobs"] == customer["Balance"] + below
    assert len(jobs) == 12


def test_vendor_balances_follow_from_open_documents(company):
    own = defaultdict(Decimal)
    for bill in company["Bill"]:
        own[bill["VendorRef"]["value"]] += bill["Balance"]
    for credit in company["VendorCredit"]:
        own[credit["VendorRef"]["value"]] -= credit["Balance"]

    assert {v["Id"]: v["Balance"] for v in company["Vendor"]} == {v["Id"]: own[v["Id"]] for v in company["Vendor"]}


@pytest.mark.parametrize(
    ("names", "account_type", "sign"), [("Customer", "Accounts Receivable", 1), ("Vendor", "Accounts Payable", -1)]
)
def test_control_accounts_carry_the_sum_of_their_names_by_currency(company, names, account_type, sign):
    by_currency = defaultdict(Decimal)
    for name in company[names]:
        by_currency[name["CurrencyRef"]["value"]] += sign * name["Balance"]
    accounts = [account for account in company["Account"] if account["AccountType"] == account_type]

    assert {a["CurrencyRef"]["value"]: a["CurrentBalance"] for a in accounts} == by_currency
    assert len(accounts) == 2 and all(by_currency.values())


def test_documents_carry_the_currency_and_control_account_of_their_name(company):
    payables = {a["Id"]: a["CurrencyRef"] for a in company["Account"] if a["AccountType"] == "Accounts Payable"}
    names = {("CustomerRef", c["Id"]): c for c in company["Customer"]}
    names |= {("VendorRef", v["Id"]): v for v in company["Vendor"]}
    for kind in (*DOCUMENT_KINDS, "Payment", "BillPayment", "PurchaseOrder"):
        for document in company[kind]:
            key = "CustomerRef" if "CustomerRef" in document else "VendorRef"
            name = names[key, document[key]["value"]]
            assert document["CurrencyRef"] == name["CurrencyRef"]
            assert document[key]["name"] == name["DisplayName"]
            if "APAccountRef" in document:
                assert payables[document["APAccountRef"]["value"]] == document["CurrencyRef"]
            assert ("ExchangeRate" in document) == (document["CurrencyRef"]["value"] == "EUR")
            if "HomeTotalAmt" in document:
                assert document["HomeTotalAmt"] == rounded(document["TotalAmt"] * document["ExchangeRate"])
            if "HomeBalance" in document:
                assert document["HomeBalance"] == rounded(document["Balance"] * document["ExchangeRate"])


def test_voided_invoices_are_zero_unlinked_and_say_so(company):
    voided = [invoice for invoice in company["Invoice"] if is_void(invoice)]
    assert len(voided) == 22
    for invoice in voided:
        assert invoice["TotalAmt"] == invoice["Balance"] == invoice["TxnTaxDetail"]["TotalTax"] == 0
        assert invoice["LinkedTxn"] == [] and int(invoice["SyncToken"]) >= 1
        for line in lines_of(invoice, "SalesItemLineDetail"):
            assert line["Amount"] == 0 and "Qty" not in line["SalesItemLineDetail"]
    assert all(invoice["TotalAmt"] > 0 for invoice in company["Invoice"] if not is_void(invoice))


def test_closed_purchase_orders_link_to_a_bill_of_the_same_lines(company):
    bills = {bill["Id"]: bill for bill in company["Bill"]}
    closed = [order for order in company["PurchaseOrder"] if order["POStatus"] == "Closed"]
    assert 0 < len(closed) < 60
    for order in company["PurchaseOrder"]:
        assert order["TotalAmt"] == total_of(line["Amount"] for line in order["Line"])
        assert bool(order["LinkedTxn"]) == (order in closed)
        for link in order["LinkedTxn"]:
            bill = bills[link["TxnId"]]
            assert (bill["TotalAmt"], bill["VendorRef"]) == (order["TotalAmt"], order["VendorRef"])
            assert all(line["LinkedTxn"] == [] for line in bill["Line"])
            assert order["SyncToken"] == "1"


def test_bills_are_the_sum_of_item_and_account_lines(company):
    kinds = Counter()
    for document in company["Bill"] + company["VendorCredit"]:
        assert document["TotalAmt"] == total_of(line["Amount"] for line in document["Line"])
        kinds.update(line["DetailType"] for line in document["Line"])
    assert min(kinds["ItemBasedExpenseLineDetail"], kinds["AccountBasedExpenseLineDetail"]) > 100


def test_references_resolve_to_objects_of_the_company_under_their_present_name(company):
    lists = {
        "ItemRef": {item["Id"]: item["Name"] for item in company["Item"] if item["Type"] != "Category"},
        "SalesTermRef": {term["Id"]: term["Name"] for term in company["Term"]},
        "ClassRef": {each["Id"]: each["Name"] for each in company["Class"]},
        "DepartmentRef": {each["Id"]: each["Name"] for each in company["Department"]},
        "PaymentMethodRef": {each["Id"]: each["Name"] for each in company["PaymentMethod"]},
        "TaxCodeRef": {each["Id"]: each["Name"] for each in company["TaxCode"]},
        "TxnTaxCodeRef": {each["Id"]: each["Name"] for each in company["TaxCode"]},
        "TaxRateRef": {each["Id"]: each["Name"] for each in company["TaxRate"]},
    }
    accounts = {account["Id"]: account["FullyQualifiedName"] for account in company["Account"]}
    seen = Counter()

    def check(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                known = accounts if key.endswith("AccountRef") else lists.get(key)
                if known is not None:
                    seen[key] += 1
                    assert inner["value"] in known, (key, inner)
                    assert inner.get("name", known[inner["value"]]) == known[inner["value"]]
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(company)
    assert set(lists) <= set(seen)


def test_names_are_unique_in_several_scripts_and_free_of_what_is_refused(company):
    names = [each["DisplayName"] for each in company["Customer"] + company["Vendor"]]
    together = " ".join(names)

    assert len({name.casefold() for name in names}) == len(names)
    assert not any(re.search(r"[:\t\n]", name) for name in names)
    for needed in ("'", "&", "é", "[\u4e00-\u9fff]", "[\u3040-\u30ff]", "[\u0370-\u03ff]", "[\u0400-\u04ff]"):
        assert re.search(needed, together), needed


def test_inactive_names_have_the_suffix_and_owe_nothing(company):
    for kind, key in (("Customer", "DisplayName"), ("Vendor", "DisplayName"), ("Item", "Name"), ("Account", "Name")):
        inactive = [each for each in company[kind] if not each["Active"]]
        assert inactive, kind
        assert all(each[key].endswith(" (deleted)") for each in inactive)
        assert not any(each[key].endswith(" (deleted)") for each in company[kind] if each["Active"])
        assert all(each.get("Balance", 0) == 0 and each["SyncToken"] == "1" for each in inactive)
    parties = {c["Id"]: c for c in company["Customer"]}
    assert any(not parties[invoice["CustomerRef"]["value"]]["Active"] for invoice in company["Invoice"])


def test_times_are_whole_seconds_in_pacific_time_and_in_order_of_ids(company):
    txns = sorted(
        (each for kind in (*DOCUMENT_KINDS, "Payment", "BillPayment", "PurchaseOrder") for each in company[kind]),
        key=lambda each: int(each["Id"]),
    )
    created = [datetime.fromisoformat(each["MetaData"]["CreateTime"]) for each in txns]
    updated = [datetime.fromisoformat(each["MetaData"]["LastUpdatedTime"]) for each in txns]

    assert len({each["Id"] for each in txns}) == len(txns)
    assert created == sorted(created)
    assert all(first <= last for first, last in zip(created, updated, strict=True))
    assert max(updated) < datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert max(Counter(updated).values()) > 2
    for each in txns:
        text = each["MetaData"]["CreateTime"]
        summer = "03-15" < text[5:10] < "10-31" or None
        winter = text[5:10] > "11-08" or text[5:10] < "03-07" or None
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00", text)
        assert not (summer and text.endswith("-08:00")) and not (winter and text.endswith("-07:00"))


def test_paying_a_document_changes_it_and_moves_its_name(company, applied):
    payments = {each["Id"]: each for each in company["Payment"]}
    customers = {each["Id"]: each for each in company["Customer"]}
    for invoice in company["Invoice"]:
        paid_by = applied["Invoice", invoice["Id"]]
        assert int(invoice["SyncToken"]) >= len(paid_by)
        updated = datetime.fromisoformat(invoice["MetaData"]["LastUpdatedTime"])
        for payment_id, _ in paid_by:
            assert updated >= datetime.fromisoformat(payments[payment_id]["MetaData"]["CreateTime"])
        customer = customers[invoice["CustomerRef"]["value"]]
        if customer["Active"]:
            assert datetime.fromisoformat(customer["MetaData"]["LastUpdatedTime"]) >= updated
            assert customer["SyncToken"] == "0"


def test_document_numbers_are_unique_within_their_series(company):
    sales = [each["DocNumber"] for each in company["Invoice"] + company["CreditMemo"]]
    orders = [each["DocNumber"] for each in company["PurchaseOrder"]]
    assert len(set(sales)) == len(sales)
    assert len(set(orders)) == len(orders)
