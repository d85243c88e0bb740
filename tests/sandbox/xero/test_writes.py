"""Rules of writing, one sentence each; where they come from is in the reference's sections 5 and 8 to 11."""

from decimal import Decimal
from typing import Any

import pytest

from sandbox.xero import settled
from tests.sandbox.xero.company import Company, invoice, line, payment


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def contact(company: Company) -> str:
    return company.contact()["ContactID"]


# -- creating and updating ---------------------------------------------------------------------------------------------


def test_a_write_is_answered_with_200_and_a_bare_object_is_a_body_too(company: Company):
    status, answer = company.call("PUT", "/Contacts", {"Name": "Radio Teasel"})

    assert status == 200
    assert answer["Contacts"][0]["Name"] == "Radio Teasel"


def test_posting_a_known_invoice_number_updates_that_invoice(company: Company, contact: str):
    first = company.post("Invoices", invoice(contact, InvoiceNumber="INV-7", Status="DRAFT"))

    second = company.post("Invoices", {"Type": "ACCREC", "InvoiceNumber": "INV-7", "Reference": "changed"})

    assert second["InvoiceID"] == first["InvoiceID"]
    assert len(company.rows("/Invoices")) == 1


def test_putting_a_known_invoice_number_is_refused(company: Company, contact: str):
    company.put("Invoices", invoice(contact, InvoiceNumber="INV-7"))

    assert company.refusal("PUT", "Invoices", invoice(contact, InvoiceNumber="INV-7")) == ["Invoice # must be unique."]


def test_a_bill_number_is_not_unique_and_posting_it_again_makes_another_bill(company: Company, contact: str):
    bills = [company.post("Invoices", invoice(contact, Type="ACCPAY", InvoiceNumber="77")) for _ in range(2)]

    assert len({bill["InvoiceID"] for bill in bills}) == 2


def test_numbers_are_made_up_in_order_for_sales_and_not_for_bills(company: Company, contact: str):
    assert [company.invoice(contact)["InvoiceNumber"] for _ in range(2)] == ["INV-0001", "INV-0002"]
    assert company.bill(contact)["InvoiceNumber"] == ""
    assert "InvoiceNumber" not in company.bill(contact, Status="DRAFT")


def test_fields_left_out_of_an_update_are_kept(company: Company, contact: str):
    made = company.invoice(contact, Reference="PO 9", Url="https://example.com/9")

    company.post(f"Invoices/{made['InvoiceID']}", {"DueDate": "2027-01-01"})

    found = company.get("Invoices", made["InvoiceID"])
    assert (found["Reference"], found["Url"], found["Total"]) == ("PO 9", "https://example.com/9", Decimal("100.00"))
    assert found["DueDateString"] == "2027-01-01T00:00:00"


def test_lines_sent_replace_the_lines_and_a_line_id_keeps_its_line(company: Company, contact: str):
    made = company.invoice(contact, LineItems=[line("10.00"), line("20.00"), line("30.00")])
    first, second, _ = (each["LineItemID"] for each in made["LineItems"])

    kept = {"LineItemID": second, "Description": "kept"}
    answer = company.post(f"Invoices/{made['InvoiceID']}", {"LineItems": [kept, line("5.00")]})

    ids = [each["LineItemID"] for each in answer["LineItems"]]
    assert ids[0] == second
    assert ids[1] not in (first, second)
    assert [each["LineAmount"] for each in answer["LineItems"]] == [Decimal("20.00"), Decimal("5.00")]
    assert answer["Total"] == Decimal("25.00")


def test_a_line_id_the_document_does_not_have_is_refused_or_a_new_line(company: Company, contact: str):
    made = company.invoice(contact)
    body = {"LineItems": [line("5.00", LineItemID="11111111-1111-4111-8111-111111111111")]}

    assert "does not exist" in company.refusal("POST", f"Invoices/{made['InvoiceID']}", body)[0]
    company.erp.options.turn({"unknown_line_id": "new"})
    assert company.post(f"Invoices/{made['InvoiceID']}", body)["Total"] == Decimal("5.00")


def test_one_refused_element_takes_the_whole_request_back(company: Company, contact: str):
    bodies = [invoice(contact), invoice(contact, LineItems=[])]

    status, answer = company.call("PUT", "/Invoices", {"Invoices": bodies})

    assert status == 400
    assert (answer["ErrorNumber"], answer["Type"]) == (10, "ValidationException")
    (element,) = answer["Elements"]
    assert element["ValidationErrors"] == [{"Message": "One or more line items must be specified"}]
    assert (element["InvoiceID"], element["HasErrors"]) == ("00000000-0000-0000-0000-000000000000", True)
    assert company.rows("/Invoices") == []


def test_the_good_elements_of_a_refused_request_are_saved_when_the_switch_says_so(company: Company, contact: str):
    company.erp.options.turn({"summarised_errors": "save_good"})

    status, _ = company.call("PUT", "/Invoices", {"Invoices": [invoice(contact), invoice(contact, LineItems=[])]})

    assert (status, len(company.rows("/Invoices"))) == (400, 1)


@pytest.mark.parametrize("false", ["false", "False"])
def test_unsummarised_errors_are_told_per_element_and_the_good_ones_saved(company: Company, contact: str, false: str):
    bodies = [invoice(contact), invoice(contact, LineItems=[]), invoice(contact, SentToContact=True, Status="DRAFT")]

    status, answer = company.call("PUT", f"/Invoices?summarizeErrors={false}", {"Invoices": bodies})

    assert status == 200
    assert [each["StatusAttributeString"] for each in answer["Invoices"]] == ["OK", "ERROR", "WARNING"]
    assert answer["Invoices"][2]["Warnings"][0]["Message"] == "Only AUTHORISED invoices may have SentToContact updated."
    assert len(company.rows("/Invoices")) == 2


def test_elements_of_one_request_see_each_other(company: Company):
    status, answer = company.call(
        "POST", "/Contacts?summarizeErrors=false", {"Contacts": [{"Name": "A"}, {"Name": "A"}]}
    )

    assert status == 200
    assert len({each["ContactID"] for each in answer["Contacts"]}) == 1


# -- contacts ----------------------------------------------------------------------------------------------------------


def test_a_contact_name_is_unique_among_active_contacts(company: Company, contact: str):
    (message,) = company.refusal("PUT", "Contacts", {"Name": "LARKSPUR college"})

    assert message.startswith("The contact name LARKSPUR college is already assigned to another contact.")
    company.post(f"Contacts/{contact}", {"ContactStatus": "ARCHIVED"})
    assert company.put("Contacts", {"Name": "LARKSPUR college"})["ContactStatus"] == "ACTIVE"


def test_a_contact_number_is_unique(company: Company):
    company.contact("One", ContactNumber="C-1")

    assert company.refusal("PUT", "Contacts", {"Name": "Two", "ContactNumber": "C-1"}) == [
        "Another contact has this contact number. Please enter a different contact number."
    ]


def test_posting_a_known_contact_number_or_name_updates_that_contact(company: Company):
    key = company.contact("One", ContactNumber="C-1")["ContactID"]

    assert company.post("Contacts", {"ContactNumber": "C-1", "Name": "Renamed"})["ContactID"] == key
    assert company.post("Contacts", {"Name": "renamed", "EmailAddress": "a@example.com"})["ContactID"] == key


def test_an_email_address_must_be_one(company: Company):
    assert company.refusal("PUT", "Contacts", {"Name": "A", "EmailAddress": "nobody"}) == [
        "Email address must be valid."
    ]


def test_a_contact_always_has_two_addresses_and_four_phones(company: Company):
    made = company.contact("A", Addresses=[{"AddressType": "POBOX", "City": "Otaki"}])

    found = company.get("Contacts", made["ContactID"])
    assert [(each["AddressType"], each["City"]) for each in found["Addresses"]] == [("STREET", ""), ("POBOX", "Otaki")]
    assert [each["PhoneType"] for each in found["Phones"]] == ["DDI", "DEFAULT", "FAX", "MOBILE"]


def test_addresses_sent_with_an_update_merge_or_replace(company: Company):
    made = company.contact("A", Addresses=[{"AddressType": "POBOX", "City": "Otaki"}])
    body = {"Addresses": [{"AddressType": "STREET", "City": "Levin"}]}

    merged = company.post(f"Contacts/{made['ContactID']}", body)
    company.erp.options.turn({"addresses_on_update": "replace"})
    replaced = company.post(f"Contacts/{made['ContactID']}", body)

    assert [each["City"] for each in merged["Addresses"]] == ["Levin", "Otaki"]
    assert [each["City"] for each in replaced["Addresses"]] == ["Levin", ""]


def test_a_document_may_name_its_contact_by_an_unknown_name_which_makes_one(company: Company):
    made = company.put("Invoices", {**invoice(""), "Contact": {"Name": "New Customer"}})

    assert company.get("Contacts", made["Contact"]["ContactID"])["IsCustomer"] is True


def test_a_purchase_order_makes_no_contact(company: Company, contact: str):
    order = {"Contact": {"Name": "Nobody"}, "Date": "2026-11-10", "LineItems": [line()]}

    assert "ContactID, ContactNumber" in company.refusal("PUT", "PurchaseOrders", order)[0]
    made = company.put("PurchaseOrders", {**order, "Contact": {"ContactID": contact}})
    assert (made["PurchaseOrderNumber"], made["Type"]) == ("PO-0001", "PURCHASEORDER")


def test_an_archived_contact_cannot_be_used(company: Company, contact: str):
    company.post(f"Contacts/{contact}", {"ContactStatus": "ARCHIVED"})

    assert "archived" in company.refusal("PUT", "Invoices", invoice(contact))[0]


def test_roles_follow_from_documents_and_move_no_modification_time(company: Company, contact: str):
    before = company.get("Contacts", contact)
    company.later()
    company.bill(contact)

    after = company.get("Contacts", contact)
    assert (before["IsSupplier"], after["IsSupplier"], after["IsCustomer"]) == (False, True, False)
    assert after["Balances"]["AccountsPayable"]["Outstanding"] == Decimal("100.00")
    assert after["UpdatedDateUTC"] == before["UpdatedDateUTC"]


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["PAID", "VOIDED", "DELETED"])
def test_an_invoice_is_not_created_in_a_final_status(company: Company, contact: str, status: str):
    messages = company.refusal("PUT", "Invoices", invoice(contact, Status=status))

    assert messages == ["Invoice not of valid status for creation"]


@pytest.mark.parametrize(
    ("was", "becomes", "is_allowed"),
    [
        ("DRAFT", "SUBMITTED", True),
        ("DRAFT", "AUTHORISED", True),
        ("DRAFT", "DELETED", True),
        ("DRAFT", "VOIDED", False),
        ("SUBMITTED", "DRAFT", True),
        ("AUTHORISED", "VOIDED", True),
        ("AUTHORISED", "DRAFT", False),
        ("AUTHORISED", "DELETED", False),
        ("AUTHORISED", "PAID", False),
    ],
)
def test_statuses_follow_each_other_as_documented(
    company: Company, contact: str, was: str, becomes: str, is_allowed: bool
):
    made = company.invoice(contact, Status=was)

    status, _ = company.call("POST", f"/Invoices/{made['InvoiceID']}", {"Status": becomes})

    assert status == (200 if is_allowed else 400)
    assert company.get("Invoices", made["InvoiceID"])["Status"] == (becomes if is_allowed else was)


def test_a_voided_invoice_keeps_its_total_and_lines_and_owes_nothing(company: Company, contact: str):
    made = company.invoice(contact)
    company.post(f"Invoices/{made['InvoiceID']}", {"Status": "VOIDED"})

    found = company.get("Invoices", made["InvoiceID"])
    assert (found["Total"], found["AmountDue"], len(found["LineItems"])) == (Decimal("100.00"), Decimal("0.00"), 1)
    assert company.refusal("POST", f"Invoices/{made['InvoiceID']}", {"Reference": "x"}) == [
        "Invoice not of valid status for modification"
    ]


def test_an_authorised_invoice_needs_a_due_date_and_an_account(company: Company, contact: str):
    assert "DueDate" in company.refusal("PUT", "Invoices", invoice(contact, DueDate=None))[0]
    bare = {"Description": "Work", "UnitAmount": 5, "TaxType": "NONE"}
    assert company.refusal("PUT", "Invoices", invoice(contact, LineItems=[bare])) == ["Account code must be specified"]


def test_an_unknown_account_leaves_a_draft_with_a_warning(company: Company, contact: str):
    made = company.invoice(contact, Status="DRAFT", LineItems=[line(AccountCode="600")])

    assert made["Warnings"][0]["Message"] == (
        "Account code '600' has been removed as it does not match a recognised account."
    )
    assert "AccountCode" not in made["LineItems"][0]


def test_a_period_that_is_locked_is_closed(company: Company, contact: str):
    made = company.invoice(contact)
    company.load(Organisations=[{"PeriodLockDate": "/Date(1795132800000+0000)/"}])

    assert "lock date" in company.refusal("PUT", "Invoices", invoice(contact))[0]
    assert "lock date" in company.refusal("POST", f"Invoices/{made['InvoiceID']}", {"Status": "VOIDED"})[0]
    assert "lock date" in company.refusal("PUT", "Payments", payment(made["InvoiceID"], "1.00"))[0]
    company.erp.options.turn({"locked_period": "year_end"})
    assert company.invoice(contact)["Status"] == "AUTHORISED"


# -- what was paid -----------------------------------------------------------------------------------------------------


def test_a_payment_moves_the_invoice_and_its_modification_time(company: Company, contact: str):
    made = company.invoice(contact)
    company.later()
    company.pay(made["InvoiceID"], "40.00")

    found = company.get("Invoices", made["InvoiceID"])
    assert (found["AmountDue"], found["AmountPaid"], found["Status"]) == (
        Decimal("60.00"),
        Decimal("40.00"),
        "AUTHORISED",
    )
    assert found["UpdatedDateUTC"] != made["UpdatedDateUTC"]
    assert found["Payments"][0].keys() == {
        *("PaymentID", "Date", "Amount", "Reference", "CurrencyRate", "HasAccount", "HasValidationErrors")
    }
    company.pay(made["InvoiceID"], "60.00")
    paid = company.get("Invoices", made["InvoiceID"])
    assert (paid["Status"], paid["FullyPaidOnDate"]) == ("PAID", "/Date(1795132800000+0000)/")


def test_a_payment_above_what_is_due_is_refused(company: Company, contact: str):
    made = company.invoice(contact)

    assert company.refusal("PUT", "Payments", payment(made["InvoiceID"], "100.01")) == [
        "Payment amount exceeds the amount outstanding on this document"
    ]


def test_a_draft_cannot_be_paid(company: Company, contact: str):
    made = company.invoice(contact, Status="DRAFT")

    assert company.refusal("PUT", "Payments", payment(made["InvoiceID"], "1.00")) == [
        "Payments can only be made against authorised documents"
    ]


def test_a_payment_before_its_invoice_is_saved_with_a_warning(company: Company, contact: str):
    made = company.invoice(contact)

    paid = company.pay(made["InvoiceID"], "1.00", Date="2026-11-01")

    assert paid["Warnings"] == [{"Message": "The payment date is prior to the invoice date."}]


def test_a_deleted_payment_stays_as_a_record_and_opens_its_invoice(company: Company, contact: str):
    made = company.invoice(contact)
    paid = company.pay(made["InvoiceID"], "100.00")

    company.call("POST", f"/Payments/{paid['PaymentID']}", {"Status": "DELETED"})

    found = company.get("Invoices", made["InvoiceID"])
    assert (found["Status"], found["AmountDue"], "FullyPaidOnDate" in found) == ("AUTHORISED", Decimal("100.00"), False)
    assert company.get("Payments", paid["PaymentID"])["Status"] == "DELETED"
    assert company.refusal("POST", f"Payments/{paid['PaymentID']}", {"Amount": 5})[0].startswith("Payments cannot be")


def test_nothing_of_a_part_paid_bill_can_be_changed(company: Company, contact: str):
    made = company.bill(contact)
    company.pay(made["InvoiceID"], "40.00")

    assert company.refusal("POST", f"Invoices/{made['InvoiceID']}", {"DueDate": "2027-02-01"}) == [
        "Invoice not of valid status for modification",
        settled.ALLOCATED,
    ]


def test_of_a_part_paid_sales_invoice_some_things_can_be_changed_and_amounts_cannot(company: Company, contact: str):
    made = company.invoice(contact)
    company.pay(made["InvoiceID"], "40.00")
    path, key = f"Invoices/{made['InvoiceID']}", made["LineItems"][0]["LineItemID"]

    assert company.post(path, {"Reference": "changed"})["Reference"] == "changed"
    changed = company.post(path, {"LineItems": [{"LineItemID": key, "Description": "new words"}]})
    assert changed["LineItems"][0]["Description"] == "new words"
    assert company.refusal("POST", path, {"LineItems": [{"LineItemID": key, "UnitAmount": 90}]})[1] == settled.ALLOCATED
    assert company.refusal("POST", path, {"LineItems": [line("100.00")]}) == [settled.NEEDS_LINE_ID]
    assert "cannot be applied" in company.refusal("POST", path, {"Status": "VOIDED"})[0]


def test_a_due_date_of_a_part_paid_invoice_moves_without_its_modification_time(company: Company, contact: str):
    made = company.invoice(contact)
    company.pay(made["InvoiceID"], "40.00")
    before = company.get("Invoices", made["InvoiceID"])
    company.later()

    company.post(f"Invoices/{made['InvoiceID']}", {"DueDate": "2027-02-01"})

    after = company.get("Invoices", made["InvoiceID"])
    assert after["DueDateString"] == "2027-02-01T00:00:00"
    assert after["UpdatedDateUTC"] == before["UpdatedDateUTC"]


def test_the_answer_to_a_write_shows_the_whole_as_due_or_what_is(company: Company, contact: str):
    made = company.invoice(contact)
    company.pay(made["InvoiceID"], "40.00")

    shown = company.post(f"Invoices/{made['InvoiceID']}", {"Reference": "a"})
    company.erp.options.turn({"write_answer_amounts": "present"})
    true = company.post(f"Invoices/{made['InvoiceID']}", {"Reference": "b"})

    assert (shown["AmountDue"], true["AmountDue"]) == (Decimal("100.00"), Decimal("60.00"))


# -- amounts -----------------------------------------------------------------------------------------------------------


def test_tax_is_rounded_half_up_line_by_line_and_then_summed(company: Company, contact: str):
    amounts = ("25.06", "25.61", "25.63")

    made = company.invoice(contact, LineItems=[line(each, TaxType="OUTPUT") for each in amounts])

    assert [each["TaxAmount"] for each in made["LineItems"]] == [Decimal("3.76"), Decimal("3.84"), Decimal("3.84")]
    assert (made["TotalTax"], made["Total"]) == (Decimal("11.44"), Decimal("87.74"))


@pytest.mark.parametrize(
    ("types", "sub_total", "tax", "total"),
    [
        ("Exclusive", "100.00", "15.00", "115.00"),
        ("Inclusive", "86.96", "13.04", "100.00"),
        ("NoTax", "100.00", "0.00", "100.00"),
    ],
)
def test_amounts_hold_tax_as_the_document_says(
    company: Company, contact: str, types: str, sub_total: str, tax: str, total: str
):
    made = company.invoice(contact, LineItems=[line(TaxType="OUTPUT")], LineAmountTypes=types)

    assert [str(made[name]) for name in ("SubTotal", "TotalTax", "Total")] == [sub_total, tax, total]


def test_a_sent_tax_amount_counts_within_limits(company: Company, contact: str):
    made = company.invoice(contact, LineItems=[line(TaxType="OUTPUT", TaxAmount=Decimal("15.05"))])

    assert made["Total"] == Decimal("115.05")
    far = invoice(contact, LineItems=[line(TaxType="OUTPUT", TaxAmount=20)])
    assert "too far" in company.refusal("PUT", "Invoices", far)[0]
    company.erp.options.turn({"tax_amount_limit": "none"})
    assert company.put("Invoices", far)["Total"] == Decimal("120.00")


def test_two_of_quantity_price_and_amount_make_the_third_and_three_must_agree(company: Company, contact: str):
    made = company.invoice(
        contact, LineItems=[{"Quantity": 4, "LineAmount": 10, "AccountCode": "200", "TaxType": "NONE"}]
    )

    assert made["LineItems"][0]["UnitAmount"] == Decimal("2.50")
    wrong = invoice(contact, LineItems=[line("10.00", Quantity=2, LineAmount=19)])
    assert "does not match" in company.refusal("PUT", "Invoices", wrong)[0]


def test_totals_sent_must_be_those_of_the_lines(company: Company, contact: str):
    assert company.refusal("PUT", "Invoices", invoice(contact, Total=99)) == [
        "The invoice total does not equal the sum of the lines."
    ]


def test_discounts_are_for_sales_only(company: Company, contact: str):
    made = company.invoice(contact, LineItems=[line("100.00", DiscountRate=15)])

    assert (made["Total"], made["IsDiscounted"]) == (Decimal("85.00"), True)
    bill = invoice(contact, Type="ACCPAY", LineItems=[line("100.00", AccountCode="429", DiscountRate=15)])
    assert "Discounts" in company.refusal("PUT", "Invoices", bill)[0]


def test_unit_prices_have_two_decimals_unless_four_are_asked_for_on_both_ways(company: Company, contact: str):
    body = invoice(contact, LineItems=[line("1.2345", Quantity=100)])

    coarse, fine = company.put("Invoices", body), company.put("Invoices", body, query="?unitdp=4")

    assert (coarse["Total"], fine["Total"]) == (Decimal("123.00"), Decimal("123.45"))
    path = f"/Invoices/{fine['InvoiceID']}"
    read = [company.call("GET", path + query)[1]["Invoices"][0]["LineItems"][0] for query in ("", "?unitdp=4")]
    assert [each["UnitAmount"] for each in read] == [Decimal("1.23"), Decimal("1.2345")]
    assert read[0]["LineAmount"] == Decimal("123.45")


def test_a_line_of_words_alone_has_no_amounts(company: Company, contact: str):
    made = company.invoice(contact, LineItems=[line(), {"Description": "Thank you"}])

    assert company.get("Invoices", made["InvoiceID"])["LineItems"][1].keys() == {
        "Description",
        "Tracking",
        "LineItemID",
    }


def test_an_item_fills_in_its_line(company: Company, contact: str):
    details = {"UnitPrice": Decimal("12.50"), "AccountCode": "200", "TaxType": "OUTPUT"}
    company.put("Items", {"Code": "BOOK", "Name": "Book", "Description": "A book", "SalesDetails": details})

    (shown,) = company.invoice(contact, LineItems=[{"ItemCode": "BOOK", "Quantity": 2}])["LineItems"]

    assert (shown["Description"], shown["LineAmount"], shown["TaxAmount"]) == (
        "A book",
        Decimal("25.00"),
        Decimal("3.75"),
    )
    assert shown["Item"]["Code"] == "BOOK"


def test_a_currency_must_be_subscribed_to_and_has_a_rate(company: Company, contact: str):
    assert company.refusal("PUT", "Invoices", invoice(contact, CurrencyCode="EUR")) == [
        "Organisation is not subscribed to currency EUR"
    ]
    company.put("Currencies", {"Code": "EUR"})

    made = company.invoice(contact, CurrencyCode="EUR", CurrencyRate=Decimal("0.8"))

    assert str(made["CurrencyRate"]) == "0.800000"
    assert company.get("Contacts", contact)["Balances"]["AccountsReceivable"]["Outstanding"] == Decimal("125.00")


@pytest.fixture
def euros(company: Company) -> str:
    """The code of a bank account in euros."""
    company.put("Currencies", {"Code": "EUR"}, {"Code": "GBP"})
    for code, currency in (("096", "EUR"), ("097", "GBP")):
        bank = {"Code": code, "Name": currency, "Type": "BANK", "BankAccountNumber": code}
        company.put("Accounts", {**bank, "CurrencyCode": currency})
    return "096"


def test_a_payment_has_its_own_rate_and_the_amount_of_its_bank(company: Company, contact: str, euros: str):
    made = company.invoice(contact, CurrencyCode="EUR", CurrencyRate=Decimal("0.8"))["InvoiceID"]

    own = company.pay(made, "10", CurrencyRate=Decimal("0.625"))
    in_euros = company.pay(made, "10", Account={"Code": euros})

    assert (own["CurrencyRate"], own["BankAmount"]) == (Decimal("0.625"), Decimal("16.00"))
    assert (in_euros["CurrencyRate"], in_euros["BankAmount"]) == (Decimal("0.8"), Decimal("10.00"))
    assert company.refusal("PUT", "Payments", payment(made, "10", Account={"Code": "097"})) == [
        "The payment account must be in the currency of the document or of the organisation"
    ]


def test_a_bank_transaction_is_in_the_currency_of_its_account(company: Company, contact: str, euros: str):
    money = {"Type": "RECEIVE-OVERPAYMENT", "Contact": {"ContactID": contact}, "LineItems": [line("25.00")]}
    unsaid = company.put("BankTransactions", {**money, "BankAccount": {"Code": "090"}})
    said = {"CurrencyCode": "EUR", "CurrencyRate": Decimal("0.8")}

    assert unsaid["CurrencyCode"] == "USD"
    assert company.refusal("PUT", "BankTransactions", {**money, **said, "BankAccount": {"Code": "090"}}) == [
        "The currency must be that of the bank account, USD"
    ]
    key = company.put("BankTransactions", {**money, **said, "BankAccount": {"Code": euros}})["OverpaymentID"]
    over = company.get("Overpayments", key)
    assert (over["CurrencyCode"], over["CurrencyRate"]) == ("EUR", Decimal("0.8"))
    # A rate of a payment is said to be used for invoices and credit notes only.
    refund = {"Overpayment": {"OverpaymentID": key}, "Account": {"Code": euros}, "Date": "2026-11-20", "Amount": 5}
    assert company.put("Payments", {**refund, "CurrencyRate": Decimal("0.625")})["CurrencyRate"] == Decimal("0.8")


def test_tracking_takes_names_and_gives_ids_back(company: Company, contact: str):
    category = company.put("TrackingCategories", {"Name": "Region"})
    company.call("PUT", f"/TrackingCategories/{category['TrackingCategoryID']}/Options", {"Name": "North"})

    made = company.invoice(contact, LineItems=[line(Tracking=[{"Name": "Region", "Option": "north"}])])

    (tracked,) = made["LineItems"][0]["Tracking"]
    assert (tracked["Option"], tracked["TrackingCategoryID"]) == ("North", category["TrackingCategoryID"])


# -- credits, batches, the bank ----------------------------------------------------------------------------------------


def credit(company: Company, contact: str, amount: str = "30.00", **more: Any) -> dict[str, Any]:
    return company.put("CreditNotes", invoice(contact, amount, Type="ACCRECCREDIT", **more))


def test_an_allocation_credits_the_invoice_and_is_undone_whole(company: Company, contact: str):
    made, note = company.invoice(contact), credit(company, contact)
    body = {"Amount": 30, "Date": "2026-11-20", "Invoice": {"InvoiceID": made["InvoiceID"]}}

    done = company.put(f"CreditNotes/{note['CreditNoteID']}/Allocations", body)

    found, used = company.get("Invoices", made["InvoiceID"]), company.get("CreditNotes", note["CreditNoteID"])
    assert (found["AmountDue"], found["AmountCredited"]) == (Decimal("70.00"), Decimal("30.00"))
    assert found["CreditNotes"][0]["AppliedAmount"] == Decimal("30.00")
    assert (used["Status"], used["RemainingCredit"]) == ("PAID", Decimal("0.00"))
    status, undone = company.call("DELETE", f"/CreditNotes/{note['CreditNoteID']}/Allocations/{done['AllocationID']}")
    assert (status, undone["IsDeleted"], undone["AllocationID"]) == (200, True, done["AllocationID"])
    assert company.get("Invoices", made["InvoiceID"])["AmountDue"] == Decimal("100.00")
    assert company.get("CreditNotes", note["CreditNoteID"])["Status"] == "AUTHORISED"


def test_an_allocation_must_fit_contact_and_remaining_credit(company: Company, contact: str):
    other = company.contact("Other")["ContactID"]
    made, foreign, note = company.invoice(contact), company.invoice(other), credit(company, contact)
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"

    too_much = {"Amount": 31, "Invoice": {"InvoiceID": made["InvoiceID"]}}
    assert "remaining credit" in company.refusal("PUT", path, too_much)[0]
    assert (
        "same contact" in company.refusal("PUT", path, {"Amount": 1, "Invoice": {"InvoiceID": foreign["InvoiceID"]}})[0]
    )


def test_a_credit_note_can_be_paid_back(company: Company, contact: str):
    note = credit(company, contact)
    body = {"CreditNote": {"CreditNoteID": note["CreditNoteID"]}, "Account": {"Code": "090"}, "Amount": 30}

    paid = company.put("Payments", {**body, "Date": "2026-11-20"})

    assert paid["PaymentType"] == "ARCREDITPAYMENT"
    assert company.get("CreditNotes", note["CreditNoteID"])["Status"] == "PAID"


def test_an_overpayment_comes_from_the_bank_and_is_allocated(company: Company, contact: str):
    made = company.invoice(contact)
    body = {
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": contact},
        "BankAccount": {"Code": "090"},
        "Date": "2026-11-12",
        "LineItems": [{"Description": "Too much", "LineAmount": 25}],
    }

    banked = company.put("BankTransactions", body)

    over = company.get("Overpayments", banked["OverpaymentID"])
    assert (over["Type"], over["RemainingCredit"]) == ("RECEIVE-OVERPAYMENT", Decimal("25.00"))
    part = {"Amount": 25, "Invoice": {"InvoiceID": made["InvoiceID"]}}
    company.put(f"Overpayments/{over['OverpaymentID']}/Allocations", part)
    assert company.get("Invoices", made["InvoiceID"])["AmountCredited"] == Decimal("25.00")
    deletion = {"Status": "DELETED"}
    assert company.refusal("POST", f"BankTransactions/{banked['BankTransactionID']}", deletion) != []


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_the_description_does_not_have_of_an_overpayment_is_dropped_as_switched(
    company: Company, contact: str, is_kept: bool
):
    if not is_kept:
        company.erp.options.turn({"unsupported_reference": "dropped", "unsupported_url": "dropped"})
    body = {
        "Contact": {"ContactID": contact},
        "BankAccount": {"Code": "090"},
        "Reference": "R",
        "Url": "https://a.test",
    }
    line = {"Description": "work", "UnitAmount": 25, "AccountCode": "200"}

    ahead = company.put("BankTransactions", {**body, "Type": "RECEIVE-OVERPAYMENT", "LineItems": [line]})
    plain = company.put("BankTransactions", {**body, "Type": "RECEIVE", "LineItems": [line]})

    assert (ahead["Reference"], "Url" in ahead) == ("R" if is_kept else "", is_kept)
    assert company.get("Overpayments", ahead["OverpaymentID"])["Reference"] == ("R" if is_kept else "")
    assert (plain["Reference"], plain["Url"]) == ("R", "https://a.test")


def test_a_batch_pays_many_invoices_and_only_as_a_whole_is_taken_back(company: Company, contact: str):
    keys = [company.bill(contact, amount)["InvoiceID"] for amount in ("10.00", "20.00")]
    parts = [{"Invoice": {"InvoiceID": key}, "Amount": amount} for key, amount in zip(keys, (10, 20), strict=True)]

    batch = company.put("BatchPayments", {"Account": {"Code": "090"}, "Date": "2026-11-20", "Payments": parts})

    assert (batch["Type"], batch["TotalAmount"]) == ("PAYBATCH", Decimal("30.00"))
    assert {company.get("Invoices", key)["Status"] for key in keys} == {"PAID"}
    own = company.rows("/Payments")[0]
    assert own["BatchPaymentID"] == batch["BatchPaymentID"]
    assert "batch" in company.refusal("POST", f"Payments/{own['PaymentID']}", {"Status": "DELETED"})[0]
    deletion = {"BatchPaymentID": batch["BatchPaymentID"], "Status": "DELETED"}
    assert company.call("POST", "/BatchPayments", deletion)[0] == 200
    assert {company.get("Invoices", key)["Status"] for key in keys} == {"AUTHORISED"}


# -- lists -------------------------------------------------------------------------------------------------------------


def test_an_item_code_is_unique_and_a_used_item_stays(company: Company, contact: str):
    first, second = (company.put("Items", {"Code": code}) for code in ("A", "B"))
    company.invoice(contact, LineItems=[line(ItemCode="A")])

    assert company.refusal("PUT", "Items", {"Code": "a"}) == ["Price List Item with Code 'a' already exists"]
    assert company.call("DELETE", f"/Items/{first['ItemID']}")[0] == 400
    assert company.send("DELETE", f"/Items/{second['ItemID']}").status == 204
    assert company.call("GET", f"/Items/{second['ItemID']}")[0] == 404


def test_at_most_500_items_are_written_at_once(company: Company):
    bodies = [{"Code": f"A{number}"} for number in range(501)]

    assert company.call("PUT", "/Items", {"Items": bodies})[0] == 400
    assert company.call("PUT", "/Items", {"Items": bodies[1:]})[0] == 200


def test_selling_no_more_takes_the_sales_half_of_an_item_away(company: Company):
    made = company.put("Items", {"Code": "A", "Description": "x", "SalesDetails": {"UnitPrice": 5}})

    changed = company.post(f"Items/{made['ItemID']}", {"Code": "A", "IsSold": False})

    assert (changed["SalesDetails"], "Description" in changed) == ({}, False)


def test_a_purchase_order_is_billed_from_authorised_and_its_number_is_unique(company: Company, contact: str):
    body = {"Contact": {"ContactID": contact}, "Date": "2026-11-10", "LineItems": [line("1.2345")]}
    made = company.put("PurchaseOrders", {**body, "PurchaseOrderNumber": "PO-9"})

    assert str(made["LineItems"][0]["UnitAmount"]) == "1.2345"
    again = {**body, "PurchaseOrderNumber": "PO-9"}
    assert company.refusal("PUT", "PurchaseOrders", again) == ["Order number must be unique"]
    path = f"PurchaseOrders/{made['PurchaseOrderID']}"
    assert company.refusal("POST", path, {"Status": "BILLED"}) != []
    company.post(path, {"Status": "AUTHORISED"})
    assert company.post(path, {"Status": "BILLED"})["Status"] == "BILLED"


def test_an_account_is_archived_or_if_unused_deleted(company: Company, contact: str):
    made = company.put("Accounts", {"Code": "205", "Name": "Licences", "Type": "REVENUE"})
    company.invoice(contact, LineItems=[line(AccountCode="205")])

    assert made["Class"] == "REVENUE"
    assert company.refusal("PUT", "Accounts", {"Code": "206", "Name": "Licences", "Type": "SALES"}) == [
        "Please enter a unique Name."
    ]
    assert company.call("DELETE", f"/Accounts/{made['AccountID']}")[0] == 400
    assert company.post(f"Accounts/{made['AccountID']}", {"Status": "ARCHIVED"})["Status"] == "ARCHIVED"
    assert "205" in company.refusal("PUT", "Invoices", invoice(contact, LineItems=[line(AccountCode="205")]))[0]


def test_a_compound_tax_is_charged_on_the_amount_with_the_other_taxes(company: Company):
    parts = [{"Name": "GST", "Rate": 5}, {"Name": "PST", "Rate": 10, "IsCompound": True}]

    made = company.put("TaxRates", {"Name": "Both", "TaxComponents": parts})

    assert (made["TaxType"], made["EffectiveRate"]) == ("TAX001", Decimal("15.5000"))


def test_a_renamed_contact_is_renamed_in_its_documents_without_moving_them(company: Company, contact: str):
    made = company.invoice(contact)
    company.later()
    company.post(f"Contacts/{contact}", {"Name": "New Name"})

    found = company.get("Invoices", made["InvoiceID"])
    assert (found["Contact"]["Name"], found["UpdatedDateUTC"]) == ("New Name", made["UpdatedDateUTC"])


def test_what_has_no_writer_is_not_implemented(company: Company):
    status, answer = company.call("PUT", "/Quotes", {"Quotes": [{}]})

    assert (status, answer["Type"]) == (501, "ApiMethodNotImplementedException")


@pytest.mark.parametrize("body", [b"{", b"<Invoice>", b"", b'{"Invoices": []}', b'{"Invoices": [5]}'])
def test_an_unreadable_body_is_refused_whole(company: Company, body: bytes):
    status, answer = company.call("PUT", "/Invoices", body)

    assert status == 400
    assert answer["Type"] in ("PostDataInvalidException", "NoDataProcessedException")


def test_a_loaded_document_of_few_words_is_paid_changed_and_reported(company: Company, contact: str):
    key = "11111111-1111-4111-8111-111111111111"
    bare = {"InvoiceID": key, "Type": "ACCREC", "Contact": {"ContactID": contact, "Name": "R"}, "Status": "AUTHORISED"}
    lines = [{"Description": "Work", "LineAmount": 50, "AccountCode": "200"}] * 2
    dated = {"Date": "/Date(1794268800000+0000)/", "Total": 100, "AmountDue": 100, "SubTotal": 100, "TotalTax": 0}
    company.load(Invoices=[{**bare, **dated, "LineItems": lines, "LineAmountTypes": "NoTax"}])

    company.pay(key, "40.00")
    changed = company.post(f"Invoices/{key}", {"Reference": "later"})

    assert (changed["Total"], len(changed["LineItems"])) == (Decimal(100), 2)
    found = company.get("Invoices", key)
    assert (found["AmountDue"], found["Reference"]) == (Decimal("60.00"), "later")
    assert company.call("GET", "/Reports/TrialBalance")[0] == 200


def test_a_loaded_draft_keeps_its_lines_when_it_is_approved(company: Company, contact: str):
    made = company.invoice(contact, Status="DRAFT", LineItems=[line("10.00"), line("20.00")])
    bare = company.get("Invoices", made["InvoiceID"])
    for each in bare["LineItems"]:
        del each["LineItemID"]
    company.load(Invoices=[bare])

    company.post(f"Invoices/{made['InvoiceID']}", {"Status": "AUTHORISED"})

    assert company.get("Invoices", made["InvoiceID"])["Total"] == Decimal("30.00")


def test_a_loaded_contact_and_item_of_few_words_are_changed(company: Company):
    keys = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
    company.load(Contacts=[{"ContactID": keys[0], "Name": "Bare"}], Items=[{"ItemID": keys[1], "Code": "BARE"}])

    assert company.post(f"Contacts/{keys[0]}", {"EmailAddress": "a@example.com"})["ContactStatus"] == "ACTIVE"
    assert company.post("Items", {"Code": "BARE", "SalesDetails": {"UnitPrice": 5}})["IsSold"] is True
    assert company.invoice(keys[0])["Contact"]["Name"] == "Bare"


def test_a_tracked_item_moves_through_documents_and_never_below_zero(company: Company, contact: str):
    halves = {
        "PurchaseDetails": {"UnitPrice": 5, "COGSAccountCode": "310", "TaxType": "NONE"},
        "SalesDetails": {"UnitPrice": 9, "AccountCode": "200", "TaxType": "NONE"},
    }
    made = company.put("Items", {"Code": "T", "InventoryAssetAccountCode": "630", **halves})
    bought = company.bill(contact, LineItems=[{"ItemCode": "T", "Quantity": 10}])

    sold = company.invoice(contact, LineItems=[{"ItemCode": "T", "Quantity": 4}])

    assert made["IsTrackedAsInventory"] is True
    assert bought["LineItems"][0]["AccountCode"] == "630"
    found = company.get("Items", made["ItemID"])
    assert (found["QuantityOnHand"], found["TotalCostPool"]) == (Decimal("6.0000"), Decimal("30.00"))
    assert found["UpdatedDateUTC"] == made["UpdatedDateUTC"]
    more = invoice(contact, LineItems=[{"ItemCode": "T", "Quantity": 7}])
    assert "on hand" in company.refusal("PUT", "Invoices", more)[0]
    assert "on hand" in company.refusal("POST", f"Invoices/{bought['InvoiceID']}", {"Status": "VOIDED"})[0]
    company.post(f"Invoices/{sold['InvoiceID']}", {"Status": "VOIDED"})
    assert company.get("Items", made["ItemID"])["QuantityOnHand"] == Decimal("10.0000")
    assert company.put("Invoices", {**more, "Status": "DRAFT"})["Status"] == "DRAFT"
