"""Queries: the grammar, what is filtered and ordered by default, pages, and the faults of statements that are wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.quickbooks.company import Company

SECOND = "MetaData.LastUpdatedTime"


def at(second: int) -> dict[str, str]:
    return {"CreateTime": "2026-01-01T00:00:00-08:00", "LastUpdatedTime": f"2026-01-01T00:00:{second:02}-08:00"}


@pytest.fixture(scope="module")
def company() -> Company:
    company = Company()
    company.load(
        Invoice=[
            {"Id": str(key), "SyncToken": "0", "MetaData": at(second), **more}
            for key, second, more in (
                (101, 3, {"DocNumber": "A-1", "TotalAmt": 300, "Balance": 0, "CustomerRef": {"value": "24"}}),
                (102, 1, {"DocNumber": "a-2", "TotalAmt": 20.5, "Balance": 20.5, "CustomerRef": {"value": "25"}}),
                (9, 2, {"DocNumber": "B-1", "TotalAmt": 1000, "Balance": 10, "CustomerRef": {"value": "24"}}),
                (103, 2, {"TotalAmt": 5, "Balance": 5, "CustomerRef": {"value": "24"}, "TxnDate": "1968-02-29"}),
            )
        ],
        Vendor=[
            {"Id": str(key), "DisplayName": name, "Active": active}
            for key, name, active in (
                (1, "Pam Seitz", True),
                (2, "PG&E", True),
                (3, "Gone (deleted)", False),
                (4, "Tania's Nursery", True),
                (5, "東京", True),
            )
        ],
    )
    return company


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        pytest.param("", ["101", "103", "9", "102"], id="transactions come newest change first"),
        pytest.param("where CustomerRef = '24'", ["101", "103", "9"], id="a reference"),
        pytest.param("where CustomerRef = '24' and TotalAmt > '300.00'", ["9"], id="a number in quotes"),
        pytest.param("where TotalAmt <= 20.5", ["103", "102"], id="a bare number"),
        pytest.param("where DocNumber LIKE 'A-%'", ["101", "102"], id="like, regardless of case"),
        pytest.param("where DocNumber IN ('a-1', 'B-1')", ["101", "9"], id="in, regardless of case"),
        pytest.param("where DocNumber != 'A-1'", ["103", "9", "102"], id="unequal"),
        pytest.param("where DocNumber = ' '", ["103"], id="null"),
        pytest.param("where Id IN ('9', '101', '77')", ["101", "9"], id="several ids"),
        pytest.param("where TxnDate < '1970-01-01'", ["103"], id="a date before 1970"),
        pytest.param(f"where {SECOND} >= '2026-01-01T00:00:02-08:00'", ["101", "103", "9"], id="from a time"),
        pytest.param(f"where {SECOND} > '2026-01-01T08:00:02Z'", ["101"], id="after a time, in Z"),
        pytest.param(f"where {SECOND} > '2026-01-01T08:00:02.500Z'", ["101"], id="after a time, with milliseconds"),
        pytest.param(f"where {SECOND} = '2026-01-01T00:00:02'", ["103", "9"], id="a time without offset is Pacific"),
        pytest.param(
            f"where Metadata.LastUpdatedTime > '2026-01-01T00:00:01-08:00' and {SECOND} < '2026-01-01T00:00:03-08:00'",
            ["103", "9"],
            id="between two times, in another spelling",
        ),
        pytest.param(f"ORDERBY {SECOND} ASC", ["102", "9", "103", "101"], id="ordered by time"),
        pytest.param("order by Id", ["9", "101", "102", "103"], id="ordered by id, as numbers"),
        pytest.param("orderby Balance desc, DocNumber", ["102", "9", "103", "101"], id="ordered by two"),
        pytest.param("MAXRESULTS 2 STARTPOSITION 2", ["103", "9"], id="a page"),
        pytest.param("startposition 4 maxresults 2", ["102"], id="the last page, other order"),
        pytest.param("startposition 5", [], id="past the last page"),
    ],
)
def test_a_statement_finds_what_it_asks_for(company: Company, where: str, ids: list[str]):
    assert company.ids(f"select * from invoice {where}") == ids


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        pytest.param("", ["2", "1", "4", "5"], id="names ascend, capitals first, inactive hidden"),
        pytest.param("where Active IN (true, false)", ["3", "2", "1", "4", "5"], id="both"),
        pytest.param("where Active = false", ["3"], id="inactive alone"),
        pytest.param("where DisplayName = 'pg&e'", ["2"], id="an ampersand, regardless of case"),
        pytest.param(r"where DisplayName = 'Tania\'s Nursery'", ["4"], id="an escaped quote"),
        pytest.param("where DisplayName = '東京'", ["5"], id="another script"),
    ],
)
def test_names_are_found_and_ordered_as_names(company: Company, where: str, ids: list[str]):
    assert company.ids(f"select * from Vendor {where}") == ids


def test_only_some_entities_tell_how_many_there_are_in_all(company: Company):
    invoices = company.select("select * from Invoice maxresults 1")

    assert (invoices["startPosition"], invoices["maxResults"], invoices["totalCount"]) == (1, 1, 4)
    assert "totalCount" not in company.select("select * from Vendor")
    assert company.select("SELECT COUNT(*) FROM Vendor") == {"totalCount": 4}
    assert company.select("select * from Estimate") == {}


def test_a_statement_may_be_the_body_of_a_post(company: Company):
    status, answer = company.call("POST", "/query", b"select Id, DocNumber from Invoice where Id = '9'")

    assert status == 200
    assert answer["QueryResponse"]["Invoice"][0]["CustomerRef"] == {"value": "24"}


@pytest.mark.parametrize(
    ("statement", "code", "detail"),
    [
        ("select * from Custmoer", "4001", "QueryValidationError: invalid context declaration: Custmoer"),
        (
            "select * from Customer where Nme = 'x'",
            "4001",
            "QueryValidationError: Property Nme not found for Entity Customer",
        ),
        ("select * from Vendor where PrimaryEmailAddr = 'x'", "4001", "property 'PrimaryEmailAddr' is not queryable"),
        ("select * from Invoice orderby TotalAmt", "4001", "property 'TotalAmt' is not sortable"),
        ("select * from Invoice maxresults 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("select * from Invoice startposition -1", "4001", "value -1 is too small. Min allowed value is 1"),
        ("select * from Invoice maxresults 1001", "4001", "value 1001 is too large"),
        ("select * from Invoice where Id > '5'", "4001", "operator > is not supported for property Id"),
        ("select * from Invoice where TxnDate > 'soon'", "4001", "value soon is not valid"),
        ("select * from NULL", "4000", 'Encountered " "null" "NULL "" at line 1, column 15.'),
        ("select * from Invoice where DocNumber = 'a' or DocNumber = 'b'", "4000", 'Encountered " <IDENTIFIER> "or ""'),
        ("select * from Invoice where DocNumber", "4000", 'Encountered " <EOF> "'),
        ("select * from Invoice where DocNumber = 'open", "4000", "QueryParserError: Encountered"),
        ("delete from Invoice", "4000", 'Was expecting:\n    "select"'),
        ("select * from Invoice maxresults x", "4000", "<INTEGER_LITERAL>"),
    ],
)
def test_a_wrong_statement_is_refused(company: Company, statement: str, code: str, detail: str):
    status, answer = company.call("POST", "/query", statement.encode())

    (error,) = answer["Fault"]["Error"]
    assert (status, error["code"], answer["Fault"]["type"]) == (400, code, "ValidationFault")
    assert detail in error["Detail"]


def test_pages_of_one_second_neither_repeat_nor_skip():
    company = Company()
    company.load(Bill=[{"Id": str(key), "SyncToken": "0", "MetaData": at(7)} for key in range(1, 251)])
    statement = f"select * from Bill where {SECOND} >= '2026-01-01T00:00:07-08:00' orderby {SECOND}"

    pages = [company.ids(f"{statement} startposition {start} maxresults 100") for start in (1, 101, 201)]

    assert [each for page in pages for each in page] == [str(key) for key in range(1, 251)]


def test_an_index_follows_every_change():
    company = Company()
    customer, other = company.customer("One"), company.customer("Two")
    invoice = company.invoice(customer, DocNumber="X-1")
    assert company.ids("select * from Invoice where DocNumber = 'X-1'") == [invoice["Id"]]

    change: dict[str, Any] = {"Id": invoice["Id"], "SyncToken": "0", "sparse": True, "DocNumber": "X-2"}
    company.post("Invoice", {**change, "CustomerRef": {"value": other}})

    assert company.ids("select * from Invoice where DocNumber = 'X-1'") == []
    assert company.ids(f"select * from Invoice where DocNumber = 'X-2' and CustomerRef = '{other}'") == [invoice["Id"]]
    company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "1"}, "?operation=delete")
    assert company.ids("select * from Invoice where DocNumber = 'X-2'") == []


def test_the_time_of_an_answer_is_when_the_request_began():
    company = Company(datetime(2026, 7, 1, 12, 0, 0, 999_000, tzinfo=UTC))

    status, answer = company.call("POST", "/customer", {"DisplayName": "Doe"})

    assert status == 200
    assert answer["time"] == "2026-07-01T05:00:00.999-07:00"
    assert answer["Customer"]["MetaData"]["LastUpdatedTime"] == "2026-07-01T05:00:00-07:00"
