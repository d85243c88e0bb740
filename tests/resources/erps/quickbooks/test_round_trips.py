"""What is written is what is there: canonical record -> body -> QuickBooks -> canonical record, for every entity.

Where a record leaves something unsaid (a number, a due date, an account) QuickBooks may fill it in; what is said must
come back as said. The simulator was written from the published reference by other hands than the connector.
"""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.entities.documents import PurchaseLine, SalesLine
from ledger.fields import Text
from ledger.spec import Record, spec_of
from resources.erps.quickbooks.mappings import MAPPINGS
from tests.resources.erps.quickbooks.written import (
    CARD,
    CHECKING,
    EXPENSE,
    INCOME,
    PAYABLE,
    WrittenCompany,
    applications,
    money,
    unlike,
)

# Every example is a conversation over HTTP: a failing one is shown as it was found, for shrinking it takes minutes.
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(string.ascii_letters + string.digits + " .,'\"&äé漢😀\\/-_<>%\n", max_size=18).map(str.strip)
DAYS = st.dates(date(2001, 1, 1), date(2029, 12, 31))
AMOUNTS = st.integers(1, 10_000_000).map(lambda cents: Decimal(cents) / 100)
ADDRESS = ("line1", "line2", "city", "region", "postal_code", "country")
NAME_PART = st.text(string.ascii_letters + "é漢' &", max_size=12).map(str.strip)


@st.composite
def sales_lines(draw: st.DrawFn, item: str) -> tuple[SalesLine, ...]:
    lines: list[SalesLine] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(("item", "item", "item", "description")))
        if kind == "description":
            lines.append(SalesLine(position=number, kind=kind, description=draw(TEXT) or "text", amount=Decimal(0)))
            continue
        quantity, price = draw(st.integers(1, 99).map(Decimal)), draw(AMOUNTS)
        said = draw(st.booleans())
        lines.append(
            SalesLine(
                position=number,
                kind="item",
                item=item,
                description=draw(TEXT),
                quantity=quantity if said else None,
                unit_price=price if said else None,
                amount=quantity * price,
                tax_code=draw(st.sampled_from(("", "NON"))),
                service_date=draw(st.none() | DAYS),
            )
        )
    if not any(line.amount for line in lines):
        lines.append(SalesLine(position=len(lines) + 1, kind="item", item=item, amount=Decimal(5)))
    if draw(st.booleans()):
        lines.append(SalesLine(position=len(lines) + 1, kind="discount", amount=Decimal("-0.01")))
    return tuple(lines)


@st.composite
def cost_lines(draw: st.DrawFn, item: str, customer: str) -> tuple[PurchaseLine, ...]:
    lines: list[PurchaseLine] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(("item", "account")))
        amount = draw(AMOUNTS)
        billed = draw(st.booleans())
        lines.append(
            PurchaseLine(
                position=number,
                kind=kind,
                item=item if kind == "item" else None,
                account_code=EXPENSE if kind == "account" else "",
                customer=customer if billed else None,
                description=draw(TEXT),
                quantity=Decimal(1) if kind == "item" else None,
                unit_price=amount if kind == "item" else None,
                amount=amount,
                is_billable=billed and draw(st.booleans()),
            )
        )
    return tuple(lines)


def party_fields(draw: st.DrawFn, number: int) -> dict[str, Any]:
    return {
        "name": f"{draw(NAME_PART)} {number}".strip(),
        "company_name": draw(NAME_PART),
        "given_name": draw(NAME_PART),
        "family_name": draw(NAME_PART),
        "currency": "USD",
        "email": draw(st.sampled_from(("", "a@example.com"))),
        "phone": draw(st.sampled_from(("", "+91 22 555 0100"))),
        **{
            f"billing_{part}": draw(NAME_PART)
            for part in ("line1", "line2", "city", "region", "postal_code", "country")
        },
        "terms_code": draw(st.sampled_from(("", "3"))),
    }


def drawn(draw: st.DrawFn, company: WrittenCompany, entity: str) -> Record:
    """Any record of the entity that the company takes."""
    number = next(company.numbers)
    record = spec_of(entity).record
    note = {"private_note": draw(TEXT)} if entity not in ("customers", "vendors", "items") else {}
    numbered = {"document_number": draw(st.sampled_from(("", f"N{number}")))}
    if entity == "customers":
        parent = draw(st.sampled_from((None, company.customer)))
        more = {"parent": parent, "is_taxable": draw(st.none() | st.booleans()), "note": draw(TEXT)}
        return record(**party_fields(draw, number), **more)
    if entity == "vendors":
        return record(**party_fields(draw, number), account_number=draw(TEXT))
    if entity == "items":
        return record(
            name=f"{draw(NAME_PART)} {number}".strip(),
            kind=draw(st.sampled_from(("service", "non_inventory"))),
            sku=draw(TEXT),
            description=draw(TEXT),
            purchase_description=draw(TEXT),
            sales_price=draw(st.none() | AMOUNTS),
            purchase_cost=draw(st.none() | AMOUNTS),
            income_account_code=INCOME,
            expense_account_code=draw(st.sampled_from(("", EXPENSE))),
            is_taxable=draw(st.booleans()),
        )
    if entity in ("invoices", "credit_memos"):
        sums = money(draw(sales_lines(company.item)), {})
        common = {"customer": company.customer, "issue_date": draw(DAYS), "open_amount": sums["total_amount"]}
        if entity == "credit_memos":
            return record(**common, **sums, **numbered, **note, memo=draw(TEXT))
        return record(
            **common,
            **sums,
            **numbered,
            **note,
            due_date=draw(st.none() | DAYS),
            terms_code=draw(st.sampled_from(("", "2"))),
            po_number=draw(TEXT),
            billing_email=draw(st.sampled_from(("", "b@example.com"))),
            memo=draw(TEXT),
        )
    if entity in ("bills", "vendor_credits", "purchase_orders"):
        sums = money(draw(cost_lines(company.item, company.customer)), {})
        common = {"vendor": company.vendor, "issue_date": draw(DAYS), **sums, **numbered, **note}
        account = {"payable_account_code": draw(st.sampled_from(("", PAYABLE)))}
        if entity == "purchase_orders":
            status = draw(st.sampled_from(("open", "closed")))
            return record(**common, **account, status=status, memo=draw(TEXT), expected_date=draw(st.none() | DAYS))
        if entity == "bills":
            account["due_date"] = draw(st.none() | DAYS)
        return record(**common, **account, open_amount=sums["total_amount"])
    return drawn_payment(draw, company, entity, note)


def drawn_payment(draw: st.DrawFn, company: WrittenCompany, entity: str, note: dict[str, Any]) -> Record:
    """A payment of one to three documents, each in part or whole, with or without something left over."""
    parts: list[tuple[str, str, str]] = []
    for amount in draw(st.lists(AMOUNTS, min_size=1, max_size=3)):
        paid = draw(st.sampled_from((amount, Decimal("0.01"))))
        if entity == "payments":
            document = company.made("invoices", company.an_invoice(str(amount)))
            parts.append(("invoices", document.external_id, str(paid)))
        else:
            document = company.made("bills", company.a_bill(str(amount)))
            parts.append(("bills", document.external_id, str(paid)))
    paid = sum((Decimal(part[2]) for part in parts), Decimal(0))
    over = draw(st.sampled_from((Decimal(0), Decimal("7.77"))))
    sums = {"total_amount": paid + over, "applied_amount": paid, "unapplied_amount": over}
    common = {"payment_date": draw(DAYS), "currency": "USD", "applications": applications(tuple(parts)), **sums, **note}
    if entity == "payments":
        return spec_of(entity).record(
            customer=company.customer,
            **common,
            reference_number=draw(st.text(string.digits, max_size=21)),
            method_code=draw(st.sampled_from(("", "2"))),
            deposit_account_code=draw(st.sampled_from(("", CHECKING))),
        )
    method = draw(st.sampled_from(("check", "card")))
    account = CHECKING if method == "check" else CARD
    return spec_of(entity).record(vendor=company.vendor, method=method, paid_from_account_code=account, **common)


@pytest.mark.parametrize("entity", MAPPINGS)
def test_a_created_record_comes_back_as_it_was_wanted(written: WrittenCompany, entity: str):
    @EXAMPLES
    @given(st.data())
    def round_trip(data: st.DataObject) -> None:
        wanted = drawn(data.draw, written, entity)
        made = written.made(entity, wanted)

        assert unlike(wanted, MAPPINGS[entity].from_wire(made.payload)) == {}
        assert unlike(wanted, MAPPINGS[entity].from_wire(written.held(entity, made.external_id).payload)) == {}

    round_trip()


@pytest.mark.parametrize("entity", MAPPINGS)
def test_an_update_changes_what_it_is_to_change_and_nothing_else(written: WrittenCompany, entity: str):
    @EXAMPLES
    @given(st.data())
    def change(data: st.DataObject) -> None:
        held = written.held(entity, written.made(entity, drawn(data.draw, written, entity)).external_id)
        base = MAPPINGS[entity].from_wire(held.payload)
        other = drawn(data.draw, written, entity)
        names = data.draw(st.sets(st.sampled_from(changeable(entity))))
        changes = {name: getattr(other, name) for name in names}
        if "lines" in changes:
            lines = with_some_kept(data.draw, base.lines, other.lines)
            sums = money(lines, {})
            changes |= {"lines": lines, "net_amount": sums["net_amount"], "total_amount": sums["total_amount"]}
            if hasattr(base, "open_amount"):
                changes["open_amount"] = sums["total_amount"]
        wanted = msgspec.structs.replace(base, **changes)

        found = MAPPINGS[entity].from_wire(written.changed(entity, held, **changes).payload)

        assert unlike(without_item_accounts(wanted), without_item_accounts(found)) == {}
        filled_in = {name for name in names & FILLED_IN if getattr(wanted, name) in (None, "")}
        rest = {name for name in wanted.__struct_fields__ if name not in filled_in and not name.endswith("s")}
        assert {name: getattr(found, name) for name in rest} == {name: getattr(wanted, name) for name in rest}

    change()


# What QuickBooks gives a value of its own where there is none.
FILLED_IN = {
    *("document_number", "due_date", "sales_price", "purchase_cost", "is_taxable"),
    *("payable_account_code", "deposit_account_code"),
}
# The party and kind of a record are its own; amounts follow from its lines; an account belongs to its method.
NEVER_CHANGED = {
    *("open_amount", "net_amount", "total_amount", "tax_amount", "applied_amount", "unapplied_amount"),
    *("currency", "exchange_rate", "customer", "vendor", "parent", "kind", "is_active", "is_void", "status"),
    *("method", "paid_from_account_code"),
}


def changeable(entity: str) -> list[str]:
    lines = ["lines"] if "lines" in MAPPINGS[entity].parts else []
    return [*(name for name in MAPPINGS[entity].fields if name not in NEVER_CHANGED), *lines]


def with_some_kept(draw: st.DrawFn, held: tuple[Any, ...], fresh: tuple[Any, ...]) -> tuple[Any, ...]:
    """Some of the held lines and some new ones, discounts last as QuickBooks has them."""
    kept = [line for line in held if draw(st.booleans())]
    lines = [line for line in (*kept, *fresh) if line.kind != "discount"]
    discounts = [line for line in (*kept, *fresh) if line.kind == "discount"][:1]
    return tuple(msgspec.structs.replace(line, position=n) for n, line in enumerate([*lines, *discounts], 1))


def without_item_accounts(record: Any) -> Any:
    """QuickBooks takes a sales line's account from its item, whatever the line said."""
    if not any(hasattr(line, "service_date") for line in getattr(record, "lines", ())):
        return record
    lines = tuple(msgspec.structs.replace(line, account_code="") for line in record.lines)
    return msgspec.structs.replace(record, lines=lines)


def test_texts_as_long_as_quickbooks_allows_are_taken(written: WrittenCompany):
    for entity, record in written.one_of_each().items():
        limits = {name: f.length_max for name, f in MAPPINGS[entity].fields.items() if isinstance(f, Text)}
        long = {name: "x" * limit for name, limit in limits.items() if limit and name != "private_note"}
        if "name" in long:
            long["name"] = f"{entity} {long['name']}"[: limits["name"]]
        wanted = msgspec.structs.replace(record, **long)
        assert unlike(wanted, MAPPINGS[entity].from_wire(written.made(entity, wanted).payload)) == {}
