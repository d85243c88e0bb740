"""Money for several documents is made in two steps: what broke off between them or was taken back is not made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.resources.erps.xero.books import BothBooks

APPLYING_LOST = {"method": "PUT", "path": "*/Allocations*", "nth": 1, "drop": "before"}
TAKING_BACK_UNANSWERED = {"method": "POST", "path": "*/BankTransactions*", "nth": 1, "drop": "after"}


class Died(Exception):
    """The push ended in the middle."""


class Money:
    """Two invoices in both books, and money for both of them entered here."""

    def __init__(self, both: BothBooks) -> None:
        self.both, self.books = both, both.books
        self.customer = both.writer.customer("Lund & Sons")
        self.first = both.invoice(self.customer, "40.00", "L-1")
        self.second = both.invoice(self.customer, "50.00", "L-2")
        both.books.push()
        self.row = both.pay(self.customer, "100.00", {self.first: "40.00", self.second: "25.00"})
        both.books.services.pace = 0.001

    def break_off(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """Die with the money made there and not applied; gives the id of the overpayment."""
        self.books.simulator.post("faults", [APPLYING_LOST])

        def hook(name: str) -> None:
            if name == "after_send":
                raise Died

        with monkeypatch.context() as patched:
            patched.setattr("resources.points.hook", hook)
            with pytest.raises(Died):
                self.books.push()
        (made,) = self.both.there("Overpayments")
        assert made["Allocations"] == []
        return made["OverpaymentID"]

    def take_elsewhere(self, amount: int, path: str | None = None) -> dict:
        """Somebody settles the second invoice in Xero."""
        number = self.books.rows("select external_id from sync.bindings where ledger_id = %s", self.second)
        invoice = {"InvoiceID": number[0]["external_id"]}
        body = {"Invoice": invoice, "Date": "2026-03-02", "Amount": amount}
        if path is None:
            return {"method": "PUT", "path": "/Payments", "body": {**body, "Account": {"Code": "090"}}}
        return {"method": "PUT", "path": path, "body": body}

    def refuse_applying(self, *rules: dict) -> None:
        """Push, with the second invoice paid in Xero just before our money is applied to it."""
        after = {"method": "PUT", "path": "*/BankTransactions*"}
        self.books.simulator.post("script", [{"after": after, "edit": self.take_elsewhere(50)}])
        self.books.simulator.post("faults", list(rules))
        self.books.push()

    def says(self) -> tuple[bool, Decimal]:
        """Whether the row is deleted, and how much of it is applied."""
        statement = "select is_deleted, applied_amount from ledger.payments where ledger_id = %s"
        (row,) = self.books.rows(statement, self.row)
        return row["is_deleted"], row["applied_amount"]

    def intents(self) -> list[str]:
        rows = self.books.rows("select state from sync.outbox where entity = 'payments' order by intent_id")
        return [row["state"] for row in rows]


@pytest.fixture
def money(both: BothBooks, no_waiting: None) -> Money:
    return Money(both)


def test_a_half_that_a_pull_brings_changes_nothing_here_and_is_gone_on_with(money: Money, monkeypatch):
    key = money.break_off(monkeypatch)

    money.books.sync()

    assert money.says() == (False, Decimal(65))
    assert money.intents() == ["sent"]
    assert f"overpayment:{key}" in money.books.mirror_ids("payments")
    money.books.push()
    (made,) = money.both.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (35, 2)
    assert money.both.is_settled()


def test_a_half_of_an_intent_that_was_dropped_is_the_rows_and_its_rest_is_said(money: Money, monkeypatch):
    money.break_off(monkeypatch)
    money.books.change("update sync.outbox set body = '[]' where state = 'sent'")

    money.books.push(retry_refused=True)
    money.books.push()

    (made,) = money.both.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (35, 2)
    assert money.both.is_settled()


def test_what_we_took_back_ourselves_is_nobodys_deletion(money: Money):
    money.refuse_applying(TAKING_BACK_UNANSWERED)

    money.books.push()
    money.books.sync()

    assert (money.says(), money.intents()) == ((False, Decimal(65)), ["sent"])
    (error,) = money.books.open_errors()
    assert "maybe by us" in error["message"]
    # A person says to go on: it is made anew, and the refusal shown.
    money.books.change("update sync.outbox set tried_at = tried_at - interval '2 hours'")
    money.books.push(retry_refused=True)
    assert (money.says(), money.intents()) == ((False, Decimal(65)), ["stale", "refused"])
    (error,) = money.books.open_errors()
    assert "authorised documents" in error["message"]


def test_what_was_pulled_as_a_half_and_taken_back_afterwards_stays_here(money: Money, monkeypatch):
    money.break_off(monkeypatch)
    money.books.sync()
    money.books.simulator.post("edit", money.take_elsewhere(50))
    money.books.push()
    assert money.intents() == ["refused"]

    money.books.sync()

    assert money.says() == (False, Decimal(65))
    assert money.both.there("Overpayments", "AUTHORISED", "PAID") == []


def test_what_somebody_applied_meanwhile_is_not_taken_off(money: Money, monkeypatch):
    key = money.break_off(monkeypatch)
    money.books.simulator.post("edit", money.take_elsewhere(45, f"/Overpayments/{key}/Allocations"))

    money.books.push()

    (made,) = money.both.there("Overpayments")
    assert [one["Amount"] for one in made["Allocations"]] == [45]
    assert (money.says(), money.intents()) == ((False, Decimal(65)), ["sent"])
