"""Customers, vendors and items of the demo company under their final names; balances and quantities come later."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count

from sandbox.quickbooks.demo.books import FOREIGN, HOME, Company
from sandbox.quickbooks.demo.names import (
    EURO_TOWNS,
    GOODS,
    GRADES,
    JOBS,
    STREETS,
    TOWNS,
    companies,
    distinct,
    persons,
)
from sandbox.quickbooks.shapes import Wire, customer, head, item, item_category, vendor

CUSTOMERS, EURO_CUSTOMERS, SUB_CUSTOMERS, INACTIVE_CUSTOMERS = 200, 30, 12, 6
VENDORS, EURO_VENDORS, INACTIVE_VENDORS = 80, 10, 3
SERVICES, NON_INVENTORY, INVENTORY, INACTIVE_ITEMS = 30, 44, 45, 4


def build_parties(company: Company) -> None:
    """Customers and vendors; their ids come from one sequence, as in QuickBooks."""
    ids = count(1)
    _build_customers(company, ids)
    _build_vendors(company, ids)


def _build_customers(company: Company, ids: count) -> None:
    rng, people = company.rng, persons(company.rng)
    made: list[Wire] = []
    mains = CUSTOMERS - SUB_CUSTOMERS
    for index in range(mains):
        euro = index >= mains - EURO_CUSTOMERS
        given, family = next(people)
        is_person = not euro and index % 7 == 3
        if is_person:
            name = distinct((f"{a} {b}" for a, b in people), company.taken_names)
            given, family = name.split(" ", 1)
        else:
            name = distinct(companies(rng, euro=euro), company.taken_names)
        inactive = index < INACTIVE_CUSTOMERS * 5 and index % 5 == 4
        created = company.list_moment()
        closed = created + timedelta(days=430, hours=index) if inactive else None
        made.append(
            customer(
                head(str(next(ids)), created, closed, changes=int(inactive)),
                name,
                currency=FOREIGN if euro else HOME,
                given_name=given,
                family_name=family,
                company_name=None if is_person else name,
                email=f"accounts{index + 1}@example.com",
                phone=f"(555) 555-{index:04d}",
                bill_address=company.next_address(euro=euro, towns=EURO_TOWNS if euro else TOWNS, streets=STREETS),
                taxable=not euro and index % 4 != 1,
                tax_code_id=None if euro or index % 4 == 1 else "2" if index % 3 else "3",
                active=not inactive,
                notes='Asked for "paper" invoices; prefers é-mail' if index % 40 == 7 else None,
            )
        )
    parents = [wire for wire in made if wire["Active"] and wire["CurrencyRef"]["value"] == HOME][:: mains // 6][:6]
    for index in range(SUB_CUSTOMERS):
        parent = parents[index % len(parents)]
        name = distinct(iter([f"Site {index + 1} {parent['DisplayName']}"]), company.taken_names)
        made.append(
            customer(
                head(str(next(ids)), company.list_moment()),
                name,
                currency=HOME,
                given_name=parent["GivenName"],
                family_name=parent["FamilyName"],
                company_name=parent["DisplayName"],
                bill_address=parent["BillAddr"],
                parent=parent,
                taxable=parent["Taxable"],
                tax_code_id="2" if parent["Taxable"] else None,
            )
        )
    company.objects["Customer"] = made


def _build_vendors(company: Company, ids: count) -> None:
    rng, people = company.rng, persons(company.rng)
    for index in range(VENDORS):
        euro = index >= VENDORS - EURO_VENDORS
        name = distinct(companies(rng, euro=euro), company.taken_names)
        given, family = next(people)
        inactive = index < INACTIVE_VENDORS * 10 and index % 10 == 9
        created = company.list_moment()
        closed = created + timedelta(days=430, hours=index) if inactive else None
        company.objects["Vendor"].append(
            vendor(
                head(str(next(ids)), created, closed, changes=int(inactive)),
                name,
                currency=FOREIGN if euro else HOME,
                given_name=given if index % 3 else None,
                family_name=family if index % 3 else None,
                company_name=name,
                email=f"billing{index + 1}@example.org" if index % 4 else None,
                phone=f"(555) 556-{index:04d}",
                bill_address=company.next_address(euro=euro, towns=EURO_TOWNS if euro else TOWNS, streets=STREETS),
                account_number=f"V{index + 1:05d}" if index % 2 else None,
                term_id="3" if index % 2 else None,
                is_1099=index % 9 == 0,
                active=not inactive,
            )
        )


def build_items(company: Company) -> None:
    """One category and 119 items. Hourly prices are whole dollars, so quarter hours come to whole cents."""
    rng, ids = company.rng, count(1)
    accounts = company.accounts
    category = item_category(head(str(next(ids)), company.list_moment()), "Workshop Goods")
    made = [category]
    taken: set[str] = set()
    services = [accounts[name] for name in ("Services", "Installation", "Maintenance", "Design")]

    def goods():
        while True:
            yield f"{rng.choice(GRADES)} {rng.choice(GOODS)}"

    def jobs():
        while True:
            yield f"{rng.choice(JOBS)} {rng.choice(GRADES)}"

    for index in range(SERVICES):
        name = distinct(jobs(), taken)
        price = Decimal(rng.randint(30, 180)).quantize(Decimal("0.01"))
        made.append(
            item(
                head(str(next(ids)), company.list_moment()),
                name,
                kind="Service",
                income_account=services[index % 4],
                description=f"{name} (per hour)",
                unit_price=price,
            )
        )
    for index in range(NON_INVENTORY + INVENTORY):
        name = distinct(goods(), taken)
        stocked = index >= NON_INVENTORY
        inactive = index < INACTIVE_ITEMS
        price = Decimal(rng.randint(199, 45000)).scaleb(-2)
        made.append(
            item(
                head(str(next(ids)), company.list_moment(), changes=int(inactive)),
                name,
                kind="Inventory" if stocked else "NonInventory",
                income_account=accounts["Sales of Product Income"],
                description=name if index % 5 else f'{name}, 12" x 3½"',
                unit_price=price,
                purchase_cost=(price * rng.randint(40, 70) / 100).quantize(Decimal("0.01")),
                taxable=True,
                expense_account=accounts["Cost of Goods Sold"] if stocked else accounts["Purchases"],
                asset_account=accounts["Inventory Asset"] if stocked else None,
                inventory_start=company.opened,
                sku=f"SKU-{index + 1:04d}" if index % 2 else None,
                category=category if index % 6 == 0 else None,
                active=not inactive,
            )
        )
    company.objects["Item"] = made
