"""What single kinds of transactions do: paper, templates, card payments, estimates, credits, stock, taxes."""

import re
from decimal import Decimal
from typing import Any

import pytest

from sandbox.http import Answer
from tests.sandbox.quickbooks.company import REALM, Company


@pytest.fixture
def company() -> Company:
    return Company()


def balance(company: Company, account: str) -> Decimal:
    return Decimal(company.get("Account", account)["CurrentBalance"])


# -- paper -------------------------------------------------------------------------------------------------------------


def test_an_invoice_on_paper_is_a_pdf_whose_table_finds_every_object(company: Company):
    invoice = company.invoice(company.customer("Größe (GmbH) \\ Söhne"), CustomerMemo={"value": "Danke"})

    paper = on_paper(company, invoice["Id"])

    assert (paper.status, paper.content_type) == (200, "application/pdf")
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", paper.body)[1])
    assert paper.body[start:].startswith(b"xref\n0 ")
    offsets = [int(each) for each in re.findall(rb"(\d{10}) 00000 n ", paper.body)]
    assert [paper.body[at:].split(b" ", 1)[0] for at in offsets] == [b"%d" % n for n in range(1, len(offsets) + 1)]
    (length,) = re.findall(rb"/Length (\d+)", paper.body)
    assert len(paper.body.partition(b"stream\n")[2].partition(b"\nendstream")[0]) == int(length)
    assert "Größe \\(GmbH\\) \\\\ Söhne".encode("cp1252") in paper.body


def on_paper(company: Company, key: str) -> Answer:
    return company.send("GET", f"/v3/company/{REALM}/invoice/{key}/pdf", headers={"accept": "application/pdf"})


def test_an_invoice_of_many_lines_has_several_pages(company: Company):
    customer, item = company.customer(), company.item()
    detail = {"ItemRef": {"value": item}}
    line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    invoice = company.post("Invoice", {"CustomerRef": {"value": customer}, "Line": [line] * 100})

    paper = on_paper(company, invoice["Id"])

    assert paper.body.count(b"/Type /Page ") == 3


def test_there_is_no_paper_for_what_is_not_there(company: Company):
    assert company.fault("GET", "/invoice/404/pdf")["code"] == "610"


# -- templates ---------------------------------------------------------------------------------------------------------


def template(company: Company, **more: Any) -> dict[str, Any]:
    customer = company.select("select * from Customer").get("Customer", [{"Id": None}])[0]["Id"] or company.customer()
    item = company.select("select * from Item").get("Item", [{"Id": None}])[0]["Id"] or company.item()
    line = {
        "Amount": 100,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": item}},
    }
    info = {
        "Name": "Monthly",
        "RecurType": "Automated",
        "Active": True,
        "ScheduleInfo": {"IntervalType": "Monthly", "NumInterval": 1, "DayOfMonth": 1, "StartDate": "2026-12-01"},
    }
    return {"Invoice": {"CustomerRef": {"value": customer}, "Line": [line], "RecurringInfo": info, **more}}


def test_a_template_is_an_object_around_its_transaction_and_posts_nothing(company: Company):
    made = company.post("RecurringTransaction", template(company))

    assert set(made) == {"Invoice"}
    assert made["Invoice"]["TotalAmt"] == 100 and made["Invoice"]["SyncToken"] == "0"
    assert made["Invoice"]["RecurringInfo"]["ScheduleInfo"]["NextDate"] == "2026-12-01"
    assert company.get("RecurringTransaction", made["Invoice"]["Id"]) == made
    assert balance(company, "84") == 0


def test_templates_are_found_by_the_type_of_their_transaction(company: Company):
    made = company.post("RecurringTransaction", template(company))

    found = company.select("select * from RecurringTransaction where Type = 'Invoice'")
    assert found["RecurringTransaction"] == [made]
    assert company.select("select * from RecurringTransaction where Type = 'Bill'") == {}


def test_a_template_is_changed_with_its_present_token_and_deleted(company: Company):
    invoice = company.post("RecurringTransaction", template(company))["Invoice"]
    info = {**invoice["RecurringInfo"], "ScheduleInfo": {**invoice["RecurringInfo"]["ScheduleInfo"], "DayOfMonth": 15}}
    change = {**{name: invoice[name] for name in ("Id", "SyncToken", "CustomerRef", "Line")}, "RecurringInfo": info}

    changed = company.post("RecurringTransaction", {"Invoice": change})["Invoice"]
    stale = company.fault("POST", "/recurringtransaction", {"Invoice": change})
    gone = company.post("RecurringTransaction", {"Invoice": changed}, "?operation=delete")

    assert (changed["SyncToken"], changed["RecurringInfo"]["ScheduleInfo"]["DayOfMonth"]) == ("1", 15)
    assert stale["code"] == "5010"
    assert gone["Invoice"]["status"] == "Deleted"
    assert company.fault("GET", f"/recurringtransaction/{invoice['Id']}")["code"] == "610"


@pytest.mark.parametrize(
    "body, code",
    [
        ({"Payment": {}}, "2010"),
        ({}, "2010"),
        ({"Invoice": {"Line": [], "RecurringInfo": {"Name": "x", "RecurType": "Automated"}}}, "2020"),
    ],
    ids=["no template of payments", "of nothing", "no customer"],
)
def test_a_wrong_template_is_refused(company: Company, body: dict[str, Any], code: str):
    assert company.fault("POST", "/recurringtransaction", body)["code"] == code


@pytest.mark.parametrize("entity", ["RecurringTransaction", "CreditCardPaymentTxn"])
def test_a_person_can_change_and_delete_what_has_another_form_or_path(company: Company, entity: str):
    if entity == "RecurringTransaction":
        key = company.post(entity, template(company))["Invoice"]["Id"]
    else:
        body = {"Amount": 30, "BankAccountRef": {"value": "35"}, "CreditCardAccountRef": {"value": "41"}}
        key = company.call("POST", "/creditcardpayment", body)[1][entity]["Id"]

    for operation, body in (("update", {"PrivateNote": "by hand"}), ("delete", {})):
        edit = {"operation": operation, "entity": entity, "id": key, "body": body}
        answer = company.erp.handle(company.erp.edit_request(edit), authenticated=True)
        assert answer.status == 200, answer.body

    assert entity.encode() not in b"".join(company.erp.state(None))


def test_a_template_follows_its_customer_into_another(company: Company):
    loser = company.customer("Old")
    made = company.post("RecurringTransaction", template(company))
    winner = company.customer("New")
    edit = {"operation": "merge", "entity": "Customer", "id": winner, "deleted_id": loser}

    assert company.erp.handle(company.erp.edit_request(edit), authenticated=True).status == 200

    found = company.get("RecurringTransaction", made["Invoice"]["Id"])
    assert set(found) == {"Invoice"}
    assert found["Invoice"]["CustomerRef"] == {"value": winner, "name": "New"}


def test_a_template_needs_a_name_of_its_own(company: Company):
    company.post("RecurringTransaction", template(company))

    assert company.fault("POST", "/recurringtransaction", template(company))["code"] == "6240"
    assert company.fault("POST", "/recurringtransaction", template(company, RecurringInfo={}))["code"] == "2020"


# -- card payments -----------------------------------------------------------------------------------------------------


def test_a_card_payment_moves_money_from_the_bank_to_the_card_until_it_is_voided(company: Company):
    body = {"Amount": 30, "BankAccountRef": {"value": "35"}, "CreditCardAccountRef": {"value": "41"}}
    status, answer = company.call("POST", "/creditcardpayment", body)
    made = answer["CreditCardPaymentTxn"]

    assert status == 200
    assert (balance(company, "35"), balance(company, "41")) == (-30, 30)
    assert company.select("select * from CreditCardPayment")["CreditCardPaymentTxn"] == [made]

    address = {"Id": made["Id"], "SyncToken": made["SyncToken"]}
    _, answer = company.call("POST", "/creditcardpayment", {**address, "sparse": True, "Amount": 45})
    assert balance(company, "41") == 45
    address["SyncToken"] = answer["CreditCardPaymentTxn"]["SyncToken"]
    company.call("POST", "/creditcardpayment?operation=void", address)
    assert (balance(company, "35"), balance(company, "41")) == (0, 0)


# -- estimates and credits ---------------------------------------------------------------------------------------------


def test_an_estimate_is_closed_by_its_invoice_and_opened_by_its_end(company: Company):
    customer, item = company.customer(), company.item()
    detail = {"ItemRef": {"value": item}}
    lines = [{"Amount": 9, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}]
    estimate = company.post("Estimate", {"CustomerRef": {"value": customer}, "Line": lines})
    company.later()
    invoice = company.invoice(customer, 9, LinkedTxn=[{"TxnId": estimate["Id"], "TxnType": "Estimate"}])

    closed = company.get("Estimate", estimate["Id"])
    assert (closed["TxnStatus"], closed["SyncToken"]) == ("Closed", "0")
    assert closed["LinkedTxn"] == [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    assert closed["MetaData"]["LastUpdatedTime"] == invoice["MetaData"]["CreateTime"]

    company.post("Invoice", {"Id": invoice["Id"], "SyncToken": invoice["SyncToken"]}, "?operation=delete")
    assert company.get("Estimate", estimate["Id"])["TxnStatus"] == "Pending"


def prefer(company: Company, **wishes: bool) -> None:
    company.post("Preferences", {"Id": "1", "SyncToken": "0", "sparse": True, "SalesFormsPrefs": wishes})


def test_a_company_that_applies_credits_ties_them_to_a_new_invoice(company: Company):
    customer, item = company.customer(), company.item()
    detail = {"ItemRef": {"value": item}}
    lines = [{"Amount": 40, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}]
    memo = company.post("CreditMemo", {"CustomerRef": {"value": customer}, "Line": lines})
    prefer(company, AutoApplyCredit=True)

    invoice = company.invoice(customer, 100)

    assert invoice["Balance"] == 60
    assert company.get("CreditMemo", memo["Id"])["RemainingCredit"] == 0
    (payment,) = company.select("select * from Payment")["Payment"]
    assert payment["PrivateNote"] == "Created by QB Online to link credits to charges."
    assert payment["TotalAmt"] == 0
    assert [line["LinkedTxn"][0]["TxnType"] for line in payment["Line"]] == ["Invoice", "CreditMemo"]


def test_a_company_that_applies_payments_uses_up_what_is_unapplied(company: Company):
    customer = company.customer()
    payment = company.payment(customer, 70)
    prefer(company, AutoApplyPayments=True)

    invoice = company.invoice(customer, 50)

    assert invoice["Balance"] == 0
    after = company.get("Payment", payment["Id"])
    assert (after["UnappliedAmt"], after["SyncToken"]) == (20, "1")


def test_without_the_preference_nothing_is_applied(company: Company):
    customer = company.customer()
    company.payment(customer, 70)

    assert company.invoice(customer, 50)["Balance"] == 50


# -- stock -------------------------------------------------------------------------------------------------------------


def pump(company: Company, quantity: int = 2, cost: Any = 10) -> str:
    accounts = {"IncomeAccountRef": "79", "ExpenseAccountRef": "80", "AssetAccountRef": "81"}
    body = {"Name": "Pump", "Type": "Inventory", "TrackQtyOnHand": True, "QtyOnHand": quantity, "PurchaseCost": cost}
    refs = {name: {"value": key} for name, key in accounts.items()}
    return company.post("Item", {**body, **refs, "InvStartDate": "2026-01-01"})["Id"]


def stock_line(kind: str, item: str, quantity: int, price: Any) -> dict[str, Any]:
    detail = {"ItemRef": {"value": item}, "Qty": quantity, "UnitPrice": price}
    return {"Amount": quantity * price, "DetailType": kind, kind: detail}


def test_stock_comes_with_a_bill_and_goes_with_an_invoice_first_in_first_out(company: Company):
    item = pump(company)
    bought = [stock_line("ItemBasedExpenseLineDetail", item, 3, 12)]
    company.post("Bill", {"VendorRef": {"value": company.vendor()}, "Line": bought, "TxnDate": "2026-02-01"})
    sold = [stock_line("SalesItemLineDetail", item, 4, 20)]
    customer = company.customer()
    invoice = company.post("Invoice", {"CustomerRef": {"value": customer}, "Line": sold, "TxnDate": "2026-03-01"})

    assert company.get("Item", item)["QtyOnHand"] == 1
    assert company.get("Item", item)["SyncToken"] == "0"
    assert balance(company, "81") == 12
    _, answer = company.call("GET", "/reports/ProfitAndLoss")
    (cost,) = [row for row in answer["Rows"]["Row"] if row.get("group") == "COGS"]
    assert cost["Summary"]["ColData"][1]["value"] == "44.00"

    company.post("Invoice", {"Id": invoice["Id"], "SyncToken": invoice["SyncToken"]}, "?operation=void")
    assert company.get("Item", item)["QtyOnHand"] == 5
    assert balance(company, "81") == 56


def test_goods_sold_before_they_are_bought_cost_what_the_next_purchase_did(company: Company):
    item = pump(company, quantity=0)
    sold = [stock_line("SalesItemLineDetail", item, 2, 20)]
    company.post("Invoice", {"CustomerRef": {"value": company.customer()}, "Line": sold, "TxnDate": "2026-03-01"})
    assert (company.get("Item", item)["QtyOnHand"], balance(company, "81")) == (-2, 0)

    bought = [stock_line("ItemBasedExpenseLineDetail", item, 3, 7)]
    company.post("Bill", {"VendorRef": {"value": company.vendor()}, "Line": bought, "TxnDate": "2026-04-01"})

    assert (company.get("Item", item)["QtyOnHand"], balance(company, "81")) == (1, 7)


def test_stock_does_not_move_before_its_start(company: Company):
    item = pump(company)
    sold = [stock_line("SalesItemLineDetail", item, 1, 20)]
    body = {"CustomerRef": {"value": company.customer()}, "Line": sold, "TxnDate": "2025-12-31"}

    assert company.fault("POST", "/invoice", body)["code"] == "6270"


# -- names on control accounts, deposits -------------------------------------------------------------------------------


def test_a_line_on_receivables_without_a_customer_is_refused(company: Company):
    def line(side: str, account: str) -> dict[str, Any]:
        detail = {"PostingType": side, "AccountRef": {"value": account}}
        return {"Amount": 5, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail}

    error = company.fault("POST", "/journalentry", {"Line": [line("Debit", "84"), line("Credit", "79")]})

    assert error["code"] == "6000"
    assert "choose a customer" in error["Detail"]


def test_cash_taken_back_comes_off_the_deposit(company: Company):
    detail = {"AccountRef": {"value": "79"}}
    line = {"Amount": 50, "DetailType": "DepositLineDetail", "DepositLineDetail": detail}
    back = {"AccountRef": {"value": "36"}, "Amount": 20}

    made = company.post("Deposit", {"DepositToAccountRef": {"value": "35"}, "Line": [line], "CashBack": back})

    assert made["TotalAmt"] == 30
    assert (balance(company, "35"), balance(company, "36")) == (30, 20)


# -- taxes -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def british() -> Company:
    """A company outside the US, with a tax code of two rates of which the second is on amount and tax."""
    company = Company()
    company.load(CompanyInfo=[{**company.get("CompanyInfo", "1"), "Country": "GB"}])
    rates = [
        {"TaxRateName": "First", "RateValue": "10", "TaxAgencyId": "1", "TaxApplicableOn": "Sales"},
        {"TaxRateName": "Second", "RateValue": "5", "TaxAgencyId": "1", "TaxApplicableOn": "Sales"},
    ]
    company.call("POST", "/taxservice/taxcode", {"TaxCode": "Both", "TaxRateDetails": rates})
    return company


def taxed(company: Company, amount: Any, mode: str) -> dict[str, Any]:
    (code,) = [each for each in company.select("select * from TaxCode")["TaxCode"] if each["Name"] == "Both"]
    detail = {"ItemRef": {"value": company.item()}, "TaxCodeRef": {"value": code["Id"]}}
    line = {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    body = {"CustomerRef": {"value": company.customer()}, "Line": [line], "GlobalTaxCalculation": mode}
    return company.post("Invoice", body)


def test_tax_is_on_top_of_excluded_amounts_a_rate_at_a_time(british: Company):
    invoice = taxed(british, Decimal("100.10"), "TaxExcluded")

    amounts = [line["Amount"] for line in invoice["TxnTaxDetail"]["TaxLine"]]
    assert (amounts, invoice["TotalAmt"]) == ([Decimal("10.01"), Decimal("5.01")], Decimal("115.12"))


def test_tax_is_taken_out_of_inclusive_amounts_to_the_cent(british: Company):
    invoice = taxed(british, Decimal("99.99"), "TaxInclusive")

    line = invoice["Line"][0]
    assert (line["Amount"], line["SalesItemLineDetail"]["TaxInclusiveAmt"]) == (Decimal("86.95"), Decimal("99.99"))
    assert (invoice["TxnTaxDetail"]["TotalTax"], invoice["TotalAmt"]) == (Decimal("13.04"), Decimal("99.99"))


def test_a_document_to_which_tax_does_not_apply_has_none(british: Company):
    assert taxed(british, 100, "NotApplicable")["TotalAmt"] == 100


def test_a_rate_can_be_on_the_amount_with_the_taxes_before_it(british: Company):
    codes = british.select("select * from TaxCode")["TaxCode"]
    (code,) = [each for each in codes if each["Name"] == "Both"]
    code["SalesTaxRateList"]["TaxRateDetail"][1]["TaxTypeApplicable"] = "TaxOnAmountPlusTax"
    british.load(TaxCode=[code])

    invoice = taxed(british, 200, "TaxExcluded")

    assert [line["Amount"] for line in invoice["TxnTaxDetail"]["TaxLine"]] == [20, 11]


def test_inclusive_amounts_are_refused_in_the_us(company: Company):
    body = {"CustomerRef": {"value": company.customer()}, "GlobalTaxCalculation": "TaxInclusive"}
    detail = {"ItemRef": {"value": company.item()}}
    line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}

    assert company.fault("POST", "/invoice", {**body, "Line": [line]})["code"] == "6000"
