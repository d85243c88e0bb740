"""What QuickBooks' reports say, and what is said of one that fails, is cut short or does not add up: never a zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import requests

from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.reports import _detail, _Reading, _summary, _trial_balance, _UnreadableReportError
from resources.errors import TieoutError
from tests.house import Simulator, running_simulator
from tests.resources.erps.quickbooks.conftest import Tokens
from tests.small_company import a_company, a_customer, an_invoice, stamped

DAY = date(2026, 3, 15)


class MintedToken(Tokens):
    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def access_token(self) -> str:
        return self.token


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits") as running:
        yield running


@pytest.fixture
def connector(simulator: Simulator) -> QuickBooksConnector:
    simulator.reset("empty")
    company = a_company()
    company["Customer"].append(a_customer(2, Balance=Decimal("70.00")))
    company["Account"][0]["CurrentBalance"] = Decimal("370.00")
    company["Invoice"].append(an_invoice(200, customer=2, amount="70.00", DueDate="2026-03-31"))
    answer = requests.post(f"{simulator.base_url}/_sandbox/load", data=_json(company), timeout=60)
    assert answer.ok, answer.text
    minted = simulator.post("tokens")
    return QuickBooksConnector.open(
        connection="qbo",
        settings={"realm_id": str(minted["realm_id"])},
        tokens=MintedToken(minted["access_token"]),
        base_url=simulator.base_url,
        sleep=lambda seconds: None,
    )


def _json(objects: dict[str, Any]) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(objects)


def test_ageing_detail_trial_balance_and_counts_agree(connector: QuickBooksConnector):
    receivable, payable = connector.reports(["ar", "ap"], DAY)

    assert {p.external_id: (p.home_amount, dict(p.buckets)) for p in receivable.parties} == {
        "1": (Decimal("300.00"), {"31-60": Decimal("300.00")}),
        "2": (Decimal("70.00"), {"current": Decimal("70.00")}),
    }
    assert {(d.entity, d.external_id, d.party_external_id, d.home_amount) for d in receivable.documents} == {
        *(("invoices", key, "1", Decimal("100.00")) for key in ("100", "101", "102")),
        ("invoices", "200", "2", Decimal("70.00")),
    }
    assert receivable.parties_amount == receivable.documents_amount == receivable.account_amount == Decimal("370.00")
    assert receivable.counts == {"invoices": 4, "credit_memos": 0, "payments": 0}
    assert (list(payable.parties), list(payable.documents), payable.account_amount) == ([], [], Decimal(0))
    assert (receivable.failures, payable.failures) == ((), ())


def test_a_kind_that_is_not_synced_is_listed_without_an_entity(simulator: Simulator, connector: QuickBooksConnector):
    entity = {"EntityRef": {"value": "1"}, "Type": "Customer"}
    lines = [
        {
            "Id": str(place),
            "Amount": Decimal("40.00"),
            "DetailType": "JournalEntryLineDetail",
            "JournalEntryLineDetail": {"PostingType": posting, "AccountRef": {"value": account}, **more},
        }
        for place, (posting, account, more) in enumerate([("Debit", "84", {"Entity": entity}), ("Credit", "35", {})], 1)
    ]
    entry = stamped(900, TxnDate="2026-03-01", Line=lines, CurrencyRef={"value": "USD"})
    requests.post(f"{simulator.base_url}/_sandbox/load", data=_json({"JournalEntry": [entry]}), timeout=60)

    (receivable,) = connector.reports(["ar"], DAY)

    (listed,) = [d for d in receivable.documents if d.entity is None]
    assert (listed.word, listed.external_id, listed.home_amount) == ("Journal Entry", "900", Decimal("40.00"))


@pytest.mark.parametrize("report", ["AgedReceivables", "AgedReceivableDetail", "TrialBalance"])
def test_a_report_that_fails_is_a_failure_and_not_a_zero(
    simulator: Simulator, connector: QuickBooksConnector, report: str
):
    simulator.post("faults", [{"method": "GET", "path": f"*/reports/{report}*", "status": 500}])

    (found,) = connector.reports(["ar"], DAY)

    missing = {
        "AgedReceivables": found.parties,
        "AgedReceivableDetail": found.documents,
        "TrialBalance": found.account_amount,
    }
    assert missing.pop(report) is None
    assert all(value is not None for value in missing.values())
    (failure,) = found.failures
    assert failure.startswith(f"{report} could not be read: found ")


def test_a_withdrawn_grant_is_raised(simulator: Simulator, connector: QuickBooksConnector):
    simulator.post("faults", [{"path": "*/reports/*", "answer": "forbidden"}])

    with pytest.raises(TieoutError, match="permission"):
        connector.reports(["ar"], DAY)


# -- reports that do not add up ----------------------------------------------------------------------------------------


def reading(module: str = "ar") -> _Reading:
    return _Reading(None, module, DAY, "USD")  # type: ignore[arg-type]


def cells(*texts: str, key: str = "") -> list[dict[str, str]]:
    first, *rest = texts
    return [{"value": first, **({"id": key} if key else {})}, *({"value": text} for text in rest)]


def a_summary(rows: list[Any], **header: Any) -> dict[str, Any]:
    return {
        "Header": {"Currency": "USD", "EndPeriod": DAY.isoformat(), **header},
        "Columns": {"Column": [{"ColTitle": str(place)} for place in range(7)]},
        "Rows": {"Row": rows} if rows else {},
    }


PARTY = {"ColData": cells("Lund", "10.00", "", "", "", "5.00", "15.00", key="1")}
TOTAL = {"Summary": {"ColData": cells("TOTAL", "10.00", "0.00", "0.00", "0.00", "5.00", "15.00")}, "type": "Section"}
NONE = {"Option": [{"Name": "NoReportData", "Value": "true"}]}


def test_a_whole_summary_is_read():
    (party,), total = _summary(reading(), a_summary([PARTY, TOTAL]))

    assert (party.external_id, party.home_amount, total) == ("1", Decimal("15.00"), Decimal("15.00"))
    assert party.buckets == {"current": Decimal("10.00"), "over 90": Decimal("5.00")}


def test_an_empty_report_that_says_so_is_nothing():
    assert _summary(reading(), a_summary([], **NONE)) == ([], Decimal(0))


@pytest.mark.parametrize(
    ("rows", "header", "found"),
    [
        ([PARTY], {}, "no grand total"),
        ([], {}, "no rows and no word"),
        ([{"ColData": cells("Lund", "10.00", "", "", "", "5.00", "16.00", key="1")}, TOTAL], {}, "total of Lund"),
        ([PARTY, PARTY, TOTAL], {}, "twice"),
        ([TOTAL], {}, "as current and rows"),
        ([{"ColData": cells("Lund", "ten", "", "", "", "", "10.00", key="1")}, TOTAL], {}, "amount 'ten'"),
        ([{"ColData": cells("Lund", "10.00", key="1")}, TOTAL], {}, "a row of 2 cells"),
        ([PARTY, TOTAL], {"Currency": "EUR"}, "amounts in EUR"),
        ([PARTY, TOTAL], {"EndPeriod": "2026-03-14"}, "a report of 2026-03-14"),
    ],
    ids=["cut", "empty", "row", "twice", "total", "amount", "width", "currency", "day"],
)
def test_a_summary_that_does_not_add_up_is_not_taken(rows: list[Any], header: dict[str, Any], found: str):
    with pytest.raises(_UnreadableReportError, match=found):
        _summary(reading(), a_summary(rows, **header))


def a_detail(*rows: Any) -> dict[str, Any]:
    keys = ["tx_date", "txn_type", "doc_num", "cust_name", "due_date", "subt_open_bal"]
    return {
        "Header": {"Currency": "USD"},
        "Columns": {"Column": [{"ColTitle": k, "MetaData": [{"Name": "ColKey", "Value": k}]} for k in keys]},
        "Rows": {"Row": list(rows)},
    }


def a_document(key: str = "9", amount: str = "10.00") -> dict[str, Any]:
    row = cells("2026-03-01", "Invoice", "1001", "Lund", "2026-03-31", amount)
    row[1]["id"], row[3]["id"] = key, "1"
    return {"ColData": row}


def a_total(amount: str) -> dict[str, Any]:
    return {"Summary": {"ColData": cells("TOTAL", "", "", "", "", amount)}}


def test_a_detail_names_each_document_by_its_type_and_id():
    (document,), total = _detail(reading(), a_detail(a_document(), a_total("10.00")), "subt_open_bal")

    assert (document.entity, document.external_id, document.party_external_id) == ("invoices", "9", "1")
    assert (document.due_date, document.home_amount, total) == (date(2026, 3, 31), Decimal("10.00"), Decimal("10.00"))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([a_document()], "no grand total"),
        ([a_document(), a_total("11.00")], "11.00 as the grand total and rows that add up to 10.00"),
        ([a_document(key=""), a_total("10.00")], "without an id"),
    ],
    ids=["cut", "total", "nameless"],
)
def test_a_detail_that_does_not_add_up_is_not_taken(rows: list[Any], found: str):
    with pytest.raises(_UnreadableReportError, match=found):
        _detail(reading(), a_detail(*rows), "subt_open_bal")


def test_a_trial_balance_that_does_not_balance_is_not_taken():
    root = {
        "Header": {"Currency": "USD"},
        "Columns": {"Column": [{}, {}, {}]},
        "Rows": {
            "Row": [
                {"ColData": cells("A/R", "10.00", "", key="84")},
                {"ColData": cells("Sales", "", "9.00", key="1")},
                {"Summary": {"ColData": cells("TOTAL", "10.00", "9.00")}},
            ]
        },
    }

    with pytest.raises(_UnreadableReportError, match=r"debits of 10.00 and credits of 9.00"):
        _trial_balance(reading(), root)
