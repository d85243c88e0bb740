"""What programs nobody here wrote rely on, found by running them (strangers/) or in their captures.

Belongs here: one test per difference found that way; each names the program. Rules that follow from the reference are
tested where their module is tested.
"""

from urllib.parse import quote

import pytest

from sandbox.quickbooks import wire
from tests.sandbox.quickbooks.company import REALM, Company


@pytest.mark.parametrize("seed", ["empty", "demo"])
def test_a_rate_that_is_set_is_the_one_the_same_query_finds(seed: str):
    """python-quickbooks 0.9.12 tests/integration/test_exchangerate.py."""
    company = Company()
    company.erp.reset(seed, 1)
    rate = company.select("select * from ExchangeRate where SourceCurrencyCode = 'EUR'")["ExchangeRate"][0]

    company.post("ExchangeRate", {**rate, "Rate": rate["Rate"] + 1})

    again = company.select("select * from ExchangeRate where SourceCurrencyCode = 'EUR'")["ExchangeRate"][0]
    assert again["Rate"] == rate["Rate"] + 1
    assert again["TargetCurrencyCode"] == "USD"


@pytest.mark.parametrize("seed", ["empty", "demo"])
def test_both_companies_have_what_clients_have_written_into_them(seed: str):
    """python-quickbooks 0.9.12 tests/integration: a card account with Id 42, currency 1, parts of the preferences."""
    company = Company()
    company.erp.reset(seed, 1)

    assert company.get("CompanyCurrency", "1")["Name"] == "Canadian Dollar"
    assert company.get("Account", "42")["AccountType"] == "Credit Card"
    preferences = company.get("Preferences", "1")
    assert preferences["TimeTrackingPrefs"]["WorkWeekStartDate"] == "Monday"
    assert preferences["AccountingInfoPrefs"]["TaxYearMonth"] == "January"
    assert preferences["OtherPrefs"]["NameValue"][0]["Name"] == "SalesFormsPrefs.DefaultCustomerMessage"
    assert "Subject" in preferences["EmailMessagesPrefs"]["EstimateMessage"]


def test_a_batch_item_without_bid_and_operation_creates_its_object():
    """mcohen01/node-quickbooks 2.0.49 test/batch.js; both are optional in Intuit's schema."""
    company = Company()

    status, answer = company.call(
        "POST", "/batch", {"BatchItemRequest": [{"Attachable": {"Note": "a", "Tag": "Testing"}}]}
    )

    assert status == 200
    (item,) = answer["BatchItemResponse"]
    assert item.keys() == {"Attachable"}
    assert company.ids("select * from attachable where Tag = 'Testing'") == [item["Attachable"]["Id"]]


@pytest.mark.parametrize("entity", ["Budget", "CustomerType"])
def test_lists_that_can_only_be_read_are_queried_as_others_are(entity: str):
    """tap-quickbooks 2.5.0 asks for both in every batch; QuickBooks' API lets nobody write them."""
    company = Company()
    company.load(**{entity: [{"Id": "3", "SyncToken": "0", "Name": "One", "Active": True}]})

    found = company.select(f"SELECT * FROM {entity} WHERE Metadata.LastUpdatedTime >= '2012-01-01T00:00:00Z'")

    assert [each["Name"] for each in found[entity]] == ["One"]
    assert company.fault("POST", f"/{entity.lower()}", {"Name": "Two"})["code"] == "500"


def test_a_new_vendor_shows_its_rates_and_its_pseudonym():
    """NangoHQ/integration-templates, create-vendor (2026-05-05)."""
    company = Company()

    created = company.post("Vendor", {"DisplayName": "Norton Lumber"})

    assert (created["BillRate"], created["CostRate"]) == (0, 0)
    assert len(created["V4IDPseudonym"]) == 38


def test_an_estimate_ships_from_the_company_and_shows_no_empty_links():
    """NangoHQ/integration-templates, create-estimate (2026-05-05)."""
    company = Company()
    line = {
        "Amount": 100,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": company.item()}},
    }

    created = company.post("Estimate", {"CustomerRef": {"value": company.customer()}, "Line": [line]})

    assert "LinkedTxn" not in created
    assert created["ShipFromAddr"]["Line1"] == "123 Main Street"


def test_a_full_update_without_addresses_gets_them_anew_from_the_customer():
    """NangoHQ/integration-templates, update-credit-memo (2026-05-05)."""
    company = Company()
    customer = company.customer(BillAddr={"Line1": "4581 Finch St."})
    line = {
        "Amount": 100,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": company.item()}},
    }
    memo = company.post("CreditMemo", {"CustomerRef": {"value": customer}, "Line": [line]})

    changed = company.post(
        "CreditMemo",
        {"Id": memo["Id"], "SyncToken": "0", "CustomerRef": {"value": customer}, "Line": [line], "PrivateNote": "new"},
    )

    assert changed["BillAddr"] == memo["BillAddr"]
    assert changed["FreeFormAddress"] is True
    assert changed["ShipFromAddr"]["Line1"] == memo["ShipFromAddr"]["Line1"]


def test_a_deposit_numbers_its_own_lines_and_leaves_received_payments_bare():
    """NangoHQ/integration-templates, create-deposit and deposits (2026-05-05)."""
    company = Company()
    payment = company.payment(company.customer(), 80)
    own = {"Amount": 100, "DetailType": "DepositLineDetail", "DepositLineDetail": {"AccountRef": {"value": "1"}}}
    link = {"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}

    deposit = company.post(
        "Deposit",
        {"DepositToAccountRef": {"value": "35"}, "Line": [own, {"Amount": 80, "LinkedTxn": [link]}]},
    )

    numbered, bare = deposit["Line"]
    assert (numbered["Id"], numbered["LineNum"]) == ("1", 1)
    assert bare.keys() == {"Amount", "LinkedTxn"}


def test_an_updated_order_says_what_was_received_and_the_same_update_again_changes_nothing():
    """NangoHQ/integration-templates, update-purchase-order: the captured answer is that of a repeat (2026-05-05)."""
    company = Company()
    vendor, item = company.vendor(), company.item()
    detail = {"ItemRef": {"value": item}, "Qty": 2, "UnitPrice": 75}
    line = {"Amount": 150, "DetailType": "ItemBasedExpenseLineDetail", "ItemBasedExpenseLineDetail": detail}
    to = {"VendorRef": {"value": vendor}, "APAccountRef": {"value": "33"}}
    order = company.post("PurchaseOrder", {**to, "Line": [line]})
    change = {**to, "Line": [{**line, "Id": "1"}], "Memo": "new", "Id": order["Id"]}

    updated = company.post("PurchaseOrder", {**change, "SyncToken": "0"}, "?operation=update")
    again = company.post("PurchaseOrder", {**change, "SyncToken": "1"}, "?operation=update")

    assert "Received" not in order["Line"][0]
    assert updated["Line"][0]["Received"] == 0
    assert again == updated


def test_a_full_update_derives_the_name_on_checks_anew():
    """minimul/qbo_api, spec/vcr/update/customer.yml (2020-09-29): Doe2, Jane became Jack Moe, also on checks."""
    company = Company()
    customer = company.customer("Doe2, Jane")

    changed = company.post("Customer", {"Id": customer, "SyncToken": "0", "DisplayName": "Jack Moe"})

    assert changed["PrintOnCheckName"] == "Jack Moe"


def test_an_upload_says_where_its_file_is_and_is_deleted_by_its_id_alone():
    """minimul/qbo_api, spec/vcr/attachment/create_for_invoice.yml and delete_attachment.yml (2020-09-29)."""
    company = Company()
    invoice = company.invoice(company.customer())["Id"]
    metadata = f'{{"AttachableRef":[{{"EntityRef":{{"type":"Invoice","value":"{invoice}"}}}}],"FileName":"a.txt"}}'
    parts = (("file_metadata_01", "attachment.json", metadata), ("file_content_01", "a.txt", "text"))
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n{text}\r\n'
        for name, file, text in parts
    )

    answer = company.send(
        "POST",
        f"/v3/company/{REALM}/upload",
        f"{body}--x--\r\n".encode(),
        {"accept": "application/json", "content-type": "multipart/form-data; boundary=x"},
    )

    (found,) = wire.decode(answer.body)["AttachableResponse"]
    made = found["Attachable"]
    assert made["AttachableRef"] == [{"EntityRef": {"type": "Invoice", "value": invoice}, "IncludeOnSend": False}]
    assert made["FileAccessUri"] == f"/v3/company/{REALM}/download/{made['Id']}"
    assert made["TempDownloadUri"].endswith(made["FileAccessUri"])
    assert company.post("Attachable", {"Id": made["Id"]}, "?operation=delete")["status"] == "Deleted"


def test_custom_fields_in_use_are_shown_without_a_value_and_keep_their_names():
    """minimul/qbo_api, spec/vcr/create/invoice.yml (2020-09-29): the recorded company has one, Crew #."""
    company = Company()
    used = {"Name": "SalesFormsPrefs.UseSalesCustom1", "Type": "BooleanType", "BooleanValue": True}
    named = {"Name": "SalesFormsPrefs.SalesCustomName1", "Type": "StringType", "StringValue": "Crew #"}
    groups = [{"CustomField": [used]}, {"CustomField": [named]}]
    company.post("Preferences", {"SyncToken": "0", "sparse": True, "SalesFormsPrefs": {"CustomField": groups}})
    customer = company.customer()

    empty = company.invoice(customer)
    filled = company.invoice(customer, CustomField=[{"DefinitionId": "1", "StringValue": "7"}])

    shown = {"DefinitionId": "1", "Name": "Crew #", "Type": "StringType"}
    assert empty["CustomField"] == [shown]
    assert filled["CustomField"] == [{**shown, "StringValue": "7"}]


def test_profit_and_loss_by_days_says_in_each_column_which_day_it_is():
    """tap-quickbooks 2.5.0 reads the day from the columns' MetaData; the total has none."""
    company = Company()
    invoice = company.invoice(company.customer())

    day = invoice["TxnDate"]
    asked = f"summarize_column_by=Days&start_date={day}&end_date={day}&format=json"
    status, report = company.call("GET", f"/reports/ProfitAndLoss?{asked}")

    assert status == 200
    _, column, total = report["Columns"]["Column"]
    assert {each["Name"]: each["Value"] for each in column["MetaData"]}.items() >= {
        "StartDate": day,
        "EndDate": day,
    }.items()
    assert [each["Name"] for each in total["MetaData"]] == ["ColKey"]


def test_profit_and_loss_without_data_has_its_sections_without_amounts():
    """minimul/qbo_api, spec/vcr/reports/profit_and_loss.yml (2020-09-29)."""
    company = Company()

    status, report = company.call("GET", "/reports/ProfitAndLoss?start_date=2015-01-01&end_date=2015-07-31")

    assert status == 200
    assert {"Name": "NoReportData", "Value": "true"} in report["Header"]["Option"]
    rows = report["Rows"]["Row"]
    assert [row["group"] for row in rows] == ["Income", "GrossProfit", "Expenses", "NetOperatingIncome", "NetIncome"]
    assert rows[0].keys() == {"Header", "Summary", "type", "group"}
    assert [each["value"] for each in rows[0]["Summary"]["ColData"]] == ["Total Income", ""]


def test_a_page_that_starts_at_0_is_the_first():
    """hotgluexyz/tap-quickbooks starts every stream so; python-quickbooks' pull request 177 saw it accepted."""
    company = Company()
    company.customer("Amy")

    assert company.ids("SELECT * FROM Customer WHERE Active = true  STARTPOSITION 0 MAXRESULTS 100") == ["1"]


def test_attachments_are_found_by_what_they_belong_to():
    """intuit/QuickBooks-V3-PHP-SDK src/_Samples/DeleteAttachment.php asks so, the type in lower case."""
    company = Company()
    customer = company.customer()
    invoice = company.invoice(customer)["Id"]
    for kind, key in (("Invoice", invoice), ("Customer", customer)):
        company.post("Attachable", {"Note": kind, "AttachableRef": [{"EntityRef": {"type": kind, "value": key}}]})

    asked = f"AttachableRef.EntityRef.Type = 'invoice' and AttachableRef.EntityRef.value = '{invoice}'"
    found = company.select(f"select * from Attachable where {asked}")

    assert [each["Note"] for each in found["Attachable"]] == ["Invoice"]


def test_a_query_for_an_id_that_is_no_number_is_refused_but_for_tax_codes():
    """flowlink/quickbooks_integration, spec/vcr/App/add_vendor (2019-05-20)."""
    company = Company()

    refused = company.fault("GET", "/query?query=" + quote("select * from Vendor where Id = ''"))

    assert (refused["code"], refused["element"]) == ("2030", "Id")
    assert refused["Detail"] == "Id should be a valid number. Supplied value:"
    assert company.ids("select * from TaxCode where Id = 'NON'") == ["NON"]
