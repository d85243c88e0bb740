"""What Xero's lists and reports say, and what is said where they contradict each other or fail: never a zero."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from resources.erps.xero.reports import _closing_balance, _of_trial_balance, _UnreadableReportError
from tests.books import Books
from tests.resources.erps.xero.conftest import Organisation

TODAY = datetime.now(UTC).date()


def test_open_items_balances_reports_and_the_trial_balance_of_the_demo_agree(organisation: Organisation):
    organisation.simulator.reset("demo")
    organisation.connector._tokens.token = organisation.simulator.post("tokens")["access_token"]
    organisation.simulator.post("clock", {"now": "2026-10-31T12:00:00Z"})

    for found in organisation.connector.reports(["ar", "ap"], date(2026, 10, 31)):
        assert found.failures == ()
        total = sum((party.home_amount for party in found.parties), Decimal(0))
        assert total == sum((one.home_amount for one in found.documents), Decimal(0))
        assert abs(total - found.account_amount) <= Decimal("0.05")
        assert {one.entity for one in found.documents} >= {"invoices" if found.module == "ar" else "bills"}


def test_an_ageing_report_that_fails_is_a_failure_that_names_the_contact(organisation: Organisation):
    contact = an_open_invoice(organisation, "Lund & Sons", "120.00")
    organisation.simulator.post("faults", [{"path": "*/Reports/Aged*", "status": 500}])

    (found,) = organisation.connector.reports(["ar"], TODAY)

    assert [(p.external_id, p.home_amount) for p in found.parties] == [(contact, Decimal("120.00"))]
    (failure,) = found.failures
    assert failure.startswith("ageing of Lund & Sons could not be read: found ")


def test_a_trial_balance_that_fails_is_not_a_zero(organisation: Organisation):
    an_open_invoice(organisation, "Lund & Sons", "120.00")
    organisation.simulator.post("faults", [{"path": "*/Reports/TrialBalance*", "status": 500}])

    (found,) = organisation.connector.reports(["ar"], TODAY)

    assert found.account_amount is None
    (failure,) = found.failures
    assert failure.startswith("TrialBalance could not be read: found ")


def an_open_invoice(organisation: Organisation | Books, name: str, amount: str) -> str:
    made = organisation.simulator.post(
        "edit",
        {
            "operation": "create",
            "entity": "Invoices",
            "body": {
                "Type": "ACCREC",
                "Contact": {"Name": name},
                "Date": TODAY.isoformat(),
                "DueDate": TODAY.isoformat(),
                "Status": "AUTHORISED",
                "LineItems": [
                    {
                        "Description": "work",
                        "Quantity": 1,
                        "UnitAmount": amount,
                        "AccountCode": "200",
                        "TaxType": "NONE",
                    }
                ],
            },
        },
    )
    return made["Invoices"][0]["Contact"]["ContactID"]


def a_report(*sections: list[tuple[str, list[str], str]]) -> dict:
    return {
        "Reports": [
            {
                "Rows": [
                    {
                        "RowType": "Section",
                        "Rows": [
                            {
                                "RowType": kind,
                                "Cells": [
                                    {"Value": text, **({"Attributes": [{"Value": key, "Id": "x"}]} if key else {})}
                                    for text in texts
                                ],
                            }
                            for kind, texts, key in rows
                        ],
                    }
                    for rows in sections
                ]
            }
        ]
    }


OPENING = ("Row", ["2024-01-01T00:00:00", "Opening Balance", "", "", "", "", "", "5.00"], "")
ITEM = ("Row", ["2026-01-01T00:00:00", "INV-1", "2026-02-01T00:00:00", "", "10.00", "0.00", "0.00", "10.00"], "id-1")


def closing(amount: str) -> tuple[str, list[str], str]:
    return ("SummaryRow", ["Closing Balance", "", "", "", "", "", "", amount], "")


def test_a_contacts_ageing_ends_with_its_closing_balance():
    assert _closing_balance(a_report([OPENING], [ITEM], [closing("15.00")])) == Decimal("15.00")


@pytest.mark.parametrize(
    ("root", "found"),
    [
        (a_report([OPENING], [ITEM]), "no Closing Balance"),
        (a_report([OPENING], [ITEM], [closing("10.00")]), "10.00 as Closing Balance and rows of 15.00"),
        (a_report([("Row", ["one"], "")]), "a row of 1 cells"),
        ({"Reports": []}, "no single report"),
    ],
    ids=["cut", "total", "width", "none"],
)
def test_an_ageing_that_does_not_add_up_is_not_taken(root: dict, found: str):
    with pytest.raises(_UnreadableReportError, match=found):
        _closing_balance(root)


def test_a_trial_balance_that_does_not_balance_is_not_taken():
    rows = [("Row", ["A/R", "", "", "10.00", ""], "debtors"), ("Row", ["Sales", "", "", "", "9.00"], "sales")]
    root = a_report(rows, [("SummaryRow", ["Total", "", "", "10.00", "9.00"], "")])

    with pytest.raises(_UnreadableReportError, match=r"totals of 10.00 and 9.00"):
        _of_trial_balance(root, {"debtors"})
