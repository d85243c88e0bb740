"""The reports: their shape as published, their numbers as an accountant would have them, and what they refuse."""

import pytest

from tests.sandbox.quickbooks.company import REALM, Company

NAMES = (
    "AgedReceivables",
    "AgedReceivableDetail",
    "AgedPayables",
    "AgedPayableDetail",
    "TrialBalance",
    "ProfitAndLoss",
    "BalanceSheet",
)


@pytest.fixture
def company() -> Company:
    return Company()


def report(company: Company, name: str) -> dict:
    status, answer = company.call("GET", f"/reports/{name}")
    assert status == 200, answer
    return answer


def lines(answer: dict) -> dict[str, list[str]]:
    """Every row and sum by its title."""
    found: dict[str, list[str]] = {}

    def walk(rows: list[dict]) -> None:
        for row in rows:
            walk(row.get("Rows", {}).get("Row", []))
            for cells in (row.get("ColData"), row.get("Summary", {}).get("ColData")):
                if cells:
                    found[cells[0]["value"]] = [cell["value"] for cell in cells[1:]]

    walk(answer["Rows"].get("Row", []))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_report_of_a_company_without_transactions_says_so(company: Company, name: str):
    answer = report(company, name)

    amounts = [each["value"] for row in answer["Rows"].get("Row", ()) for each in row["Summary"]["ColData"][1:]]
    assert set(amounts) <= {""}
    assert answer["Header"]["ReportName"] == name
    assert {"Name": "NoReportData", "Value": "true"} in answer["Header"]["Option"]


def test_what_a_customer_owes_stands_in_the_bucket_of_its_days_past_due(company: Company):
    amy, bill = company.customer("Amy"), company.customer("Bill")
    for due, amount in (("2026-11-22", 1), ("2026-11-20", 2), ("2026-10-22", 4), ("2026-10-21", 8), ("2026-07-01", 16)):
        company.invoice(amy, amount, TxnDate="2026-06-01", DueDate=due)
    company.payment(bill, 5, TxnDate="2026-11-01")

    answer = report(company, "AgedReceivables")

    titles = [column["ColTitle"] for column in answer["Columns"]["Column"]]
    assert titles == ["", "Current", "1 - 30", "31 - 60", "61 - 90", "91 and over", "Total"]
    assert lines(answer) == {
        "Amy": ["1.00", "6.00", "8.00", "", "16.00", "31.00"],
        "Bill": ["", "-5.00", "", "", "", "-5.00"],
        "TOTAL": ["1.00", "1.00", "8.00", "0.00", "16.00", "26.00"],
    }
    assert answer["Rows"]["Row"][0]["ColData"][0] == {"value": "Amy", "id": amy}
    assert answer["Rows"]["Row"][-1]["group"] == "GrandTotal"


def test_periods_can_be_other_than_four_of_thirty_days(company: Company):
    company.invoice(company.customer(), 7, TxnDate="2026-10-01", DueDate="2026-10-31")

    answer = report(company, "AgedReceivables?aging_period=10&num_periods=3")

    titles = [column["ColTitle"] for column in answer["Columns"]["Column"]]
    assert titles == ["", "Current", "1 - 10", "11 - 20", "21 and over", "Total"]
    assert lines(answer)["TOTAL"] == ["0.00", "0.00", "0.00", "7.00", "7.00"]


def test_a_day_in_the_past_is_seen_as_it_was_before_the_payments_that_followed(company: Company):
    amy = company.customer("Amy")
    invoice = company.invoice(amy, 100, TxnDate="2026-09-01")
    company.payment(amy, 100, (invoice["Id"], 100), TxnDate="2026-10-01")
    later = company.invoice(amy, 50, TxnDate="2026-11-01")
    company.payment(amy, 50, (later["Id"], 50), TxnDate="2026-09-15")

    totals = {
        day: lines(report(company, f"AgedReceivables?report_date={day}")).get("TOTAL", ["none"])[-1]
        for day in ("2026-08-31", "2026-09-14", "2026-09-30", "2026-10-31", "2026-11-21")
    }

    assert totals == {
        "2026-08-31": "none",
        "2026-09-14": "100.00",
        "2026-09-30": "50.00",
        "2026-10-31": "-50.00",
        "2026-11-21": "none",
    }


def test_the_detail_lists_documents_with_their_ids_the_oldest_bucket_first(company: Company):
    amy = company.customer("Amy")
    old = company.invoice(amy, 30, TxnDate="2026-08-01", DueDate="2026-10-01")
    new = company.invoice(amy, 20, TxnDate="2026-11-01", DueDate="2026-12-01")
    company.payment(amy, 10, (old["Id"], 10), TxnDate="2026-11-10")

    answer = report(company, "AgedReceivableDetail")

    first, last, total = answer["Rows"]["Row"]
    assert first["Header"]["ColData"][0]["value"] == "31 - 60 days past due"
    assert [cell["value"] for cell in first["Rows"]["Row"][0]["ColData"]] == [
        "2026-08-01",
        "Invoice",
        old["DocNumber"],
        "Amy",
        "2026-10-01",
        "30.00",
        "20.00",
    ]
    assert first["Rows"]["Row"][0]["ColData"][1]["id"] == old["Id"]
    assert last["Rows"]["Row"][0]["ColData"][1]["id"] == new["Id"]
    assert total["Summary"]["ColData"][-1] == {"value": "40.00"}


def test_the_detail_without_amounts_has_its_totals_as_headings_like_the_published_sample(company: Company):
    vendor = company.vendor("PG&E")
    company.bill(vendor, TxnDate="2026-09-01", DueDate="2026-10-05")

    answer = report(company, "AgedPayableDetail?columns=due_date,vend_name&report_date=2026-11-21")

    assert [column["ColType"] for column in answer["Columns"]["Column"]] == ["due_date", "vend_name"]
    bucket, total = answer["Rows"]["Row"]
    assert bucket["Rows"]["Row"][0]["ColData"] == [{"value": "2026-10-05"}, {"value": "PG&E", "id": vendor}]
    assert total["Header"]["ColData"][0]["value"] == "Total for 31 - 60 days past due"


def test_profit_is_income_less_cost_in_the_month_it_falls_in(company: Company):
    amy, vendor = company.customer(), company.vendor()
    company.invoice(amy, 100, TxnDate="2026-09-10")
    company.invoice(amy, 40, TxnDate="2026-10-10")
    company.bill(vendor, 25, TxnDate="2026-10-12")

    found = lines(report(company, "ProfitAndLoss?start_date=2026-09-01&end_date=2026-10-31&summarize_column_by=Month"))

    assert found["Sales of Product Income"] == ["100.00", "40.00", "140.00"]
    assert found["Advertising"] == ["0.00", "25.00", "25.00"]
    assert found["Net Income"] == ["100.00", "15.00", "115.00"]


def test_profit_can_be_that_of_one_customer(company: Company):
    amy, bill = company.customer("Amy"), company.customer("Bill")
    company.invoice(amy, 100)
    company.invoice(bill, 40)

    assert lines(report(company, f"ProfitAndLoss?customer={bill}"))["Net Income"] == ["40.00"]


def test_on_the_cash_basis_income_counts_when_it_is_paid(company: Company):
    amy = company.customer()
    invoice = company.invoice(amy, 100, TxnDate="2026-09-10")
    company.payment(amy, 70, (invoice["Id"], 60), TxnDate="2026-10-10")

    found = lines(report(company, "ProfitAndLoss?accounting_method=Cash"))
    sheet = lines(report(company, "BalanceSheet?accounting_method=Cash"))

    assert found["Sales of Product Income"] == ["60.00"]
    assert found["Unapplied Cash Payment Income"] == ["10.00"]
    assert sheet["TOTAL ASSETS"] == sheet["TOTAL LIABILITIES AND EQUITY"] == ["70.00"]


def test_profit_of_earlier_years_is_retained(company: Company):
    amy = company.customer()
    company.invoice(amy, 100, TxnDate="2025-06-01")
    company.invoice(amy, 10, TxnDate="2026-06-01")

    sheet, trial = lines(report(company, "BalanceSheet")), lines(report(company, "TrialBalance"))

    assert (sheet["Retained Earnings"], sheet["Net Income"]) == (["100.00"], ["10.00"])
    assert sheet["TOTAL ASSETS"] == sheet["TOTAL LIABILITIES AND EQUITY"] == ["110.00"]
    assert trial["Retained Earnings"] == ["", "100.00"]
    assert trial["Sales of Product Income"] == ["", "10.00"]
    assert trial["TOTAL"] == ["110.00", "110.00"]


def test_the_balance_sheet_has_the_groups_of_the_published_sample(company: Company):
    company.invoice(company.customer(), 100)
    company.bill(company.vendor(), 30)

    groups = []

    def walk(rows: list[dict]) -> None:
        for row in rows:
            groups.extend([row["group"]] if "group" in row else [])
            walk(row.get("Rows", {}).get("Row", []))

    walk(report(company, "BalanceSheet")["Rows"]["Row"])
    assert groups == [
        "TotalAssets",
        "CurrentAssets",
        "AR",
        "TotalLiabilitiesAndEquity",
        "Liabilities",
        "CurrentLiabilities",
        "AP",
        "Equity",
        "NetIncome",
    ]


def test_sub_accounts_stand_below_theirs(company: Company):
    parent = company.post("Account", {"Name": "Truck", "AccountType": "Fixed Asset"})["Id"]
    own = {"Name": "Original Cost", "AccountType": "Fixed Asset", "ParentRef": {"value": parent}, "SubAccount": True}
    child = company.post("Account", own)["Id"]
    detail = {"AccountRef": {"value": child}}
    line = {"Amount": 9, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": detail}
    company.post("Bill", {"VendorRef": {"value": company.vendor()}, "Line": [line]})

    (assets, _) = report(company, "BalanceSheet")["Rows"]["Row"]

    (truck,) = assets["Rows"]["Row"][0]["Rows"]["Row"]
    assert truck["Header"]["ColData"] == [{"value": "Truck", "id": parent}, {"value": ""}]
    assert truck["Rows"]["Row"][0]["ColData"] == [{"value": "Original Cost", "id": child}, {"value": "9.00"}]
    assert truck["Summary"]["ColData"] == [{"value": "Total Truck"}, {"value": "9.00"}]


def test_a_balance_that_no_document_explains_stands_against_opening_balance_equity(company: Company):
    checking = company.get("Account", "35")
    company.load(Account=[{**checking, "CurrentBalance": 250, "CurrentBalanceWithSubAccounts": 250}])

    trial = lines(report(company, "TrialBalance?end_date=2020-01-01"))

    assert trial == {
        "Checking": ["250.00", ""],
        "Opening Balance Equity": ["", "250.00"],
        "TOTAL": ["250.00", "250.00"],
    }


def test_documents_loaded_before_the_accounts_they_name_count_on_these(company: Company):
    amy = company.customer()
    invoice = company.invoice(amy, 100)
    other = Company()
    detail = {"ItemRef": {"value": "77"}, "ItemAccountRef": {"value": "500"}}
    line = {"Id": "1", "Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    other.load(Invoice=[{**invoice, "Line": [line]}])
    account = {**company.get("Account", "79"), "Id": "500", "Name": "Bespoke", "FullyQualifiedName": "Bespoke"}
    other.load(Account=[account])

    assert lines(report(other, "ProfitAndLoss"))["Bespoke"] == ["100.00"]


def test_reports_follow_a_company_that_is_put_back_as_it_was(company: Company):
    amy = company.customer()
    company.invoice(amy, 100)
    before = company.erp.store.snapshot()
    company.invoice(amy, 50)
    assert lines(report(company, "TrialBalance"))["TOTAL"] == ["150.00", "150.00"]

    company.erp.store.restore(before)

    assert lines(report(company, "TrialBalance"))["TOTAL"] == ["100.00", "100.00"]
    assert lines(report(company, "AgedReceivables"))["TOTAL"][-1] == "100.00"


def test_what_a_customer_merged_away_owed_is_owed_by_the_other(company: Company):
    old, new = company.customer("Old"), company.customer("New")
    company.invoice(old, 100)
    edit = {"operation": "merge", "entity": "Customer", "id": new, "deleted_id": old}

    company.erp.handle(company.erp.edit_request(edit), authenticated=True)

    assert set(lines(report(company, "AgedReceivables"))) == {"New", "TOTAL"}


def test_a_macro_names_the_days(company: Company):
    header = report(company, "ProfitAndLoss?date_macro=Last%20Month")["Header"]

    assert (header["StartPeriod"], header["EndPeriod"], header["DateMacro"]) == (
        "2026-10-01",
        "2026-10-31",
        "last month",
    )


@pytest.mark.parametrize(
    "macro, days",
    [
        ("Today", ("2026-11-21", "2026-11-21")),
        ("This Week", ("2026-11-15", "2026-11-21")),
        ("Last Week-to-date", ("2026-11-08", "2026-11-14")),
        ("This Month-to-date", ("2026-11-01", "2026-11-21")),
        ("Next Month", ("2026-12-01", "2026-12-31")),
        ("Last Fiscal Quarter", ("2026-07-01", "2026-09-30")),
        ("This Fiscal Year", ("2026-01-01", "2026-12-31")),
        ("Last Calendar Year-to-date", ("2025-01-01", "2025-11-21")),
        ("Next Fiscal Year", ("2027-01-01", "2027-12-31")),
        ("Next 4 Weeks", ("2026-11-21", "2026-12-19")),
    ],
)
def test_every_macro_has_its_days(company: Company, macro: str, days: tuple[str, str]):
    header = report(company, f"BalanceSheet?date_macro={macro.replace(' ', '%20')}")["Header"]

    assert (header["StartPeriod"], header["EndPeriod"]) == days


@pytest.mark.parametrize("name", ["Cashflow", "agedreceivables", "ARAgingDetail"])
def test_a_report_that_does_not_exist_or_is_spelt_otherwise_is_denied(company: Company, name: str):
    error = company.fault("GET", f"/reports/{name}")

    assert (error["code"], error["element"]) == ("5020", "ReportName")
    assert error["Detail"] == "Permission Denied Error : You do not have the access rights to use this feature."


@pytest.mark.parametrize(
    "query, element",
    [
        ("AgedReceivables?report_date=2026-02-30", "report_date"),
        ("AgedReceivables?num_periods=0", "num_periods"),
        ("AgedReceivables?aging_period=x", "aging_period"),
        ("AgedReceivables?aging_method=Due", "aging_method"),
        ("AgedReceivableDetail?columns=vend_name", "columns"),
        ("ProfitAndLoss?start_date=2026-02-01&end_date=2026-01-01", "start_date"),
        ("ProfitAndLoss?date_macro=Someday", "date_macro"),
        ("ProfitAndLoss?accounting_method=Barter", "accounting_method"),
        ("ProfitAndLoss?summarize_column_by=Classes", "summarize_column_by"),
        ("ProfitAndLoss?class=1", "class"),
        ("BalanceSheet?customer=1", "customer"),
        ("TrialBalance?unheard=of", "unheard"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(company: Company, query: str, element: str):
    error = company.fault("GET", f"/reports/{query}")

    assert (error["code"], error["element"]) == ("2010", element)


def test_a_customer_that_is_not_there_is_an_invalid_reference(company: Company):
    assert company.fault("GET", "/reports/AgedReceivables?customer=404")["code"] == "2500"


def test_parameters_no_report_has_can_be_let_pass(company: Company):
    company.erp.turn({"unknown_report_parameters": "ignore"})

    assert report(company, "TrialBalance?unheard=of")["Header"]["ReportName"] == "TrialBalance"


def test_a_report_is_answered_with_the_headers_of_the_service(company: Company):
    answer = company.send("GET", f"/v3/company/{REALM}/reports/TrialBalance")

    assert answer.content_type == "application/json;charset=utf-8"
    assert "intuit_tid" in answer.headers
