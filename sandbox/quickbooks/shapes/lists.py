"""Accounts, customers, vendors, items, terms and payment methods, and references to them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.quickbooks.shapes.common import ZERO, Wire, currency_ref, ref


def account(
    base: Wire,
    name: str,
    *,
    account_type: str,
    subtype: str,
    classification: str,
    currency: str,
    balance: Decimal = ZERO,
    balance_with_subs: Decimal | None = None,
    parent: Wire | None = None,
    active: bool = True,
) -> Wire:
    """An account; liabilities and credit balances are negative, income and expense accounts show 0."""
    shown = name if active else f"{name} (deleted)"
    wire = {
        "Name": shown,
        "SubAccount": parent is not None,
        "FullyQualifiedName": shown if parent is None else f"{parent['FullyQualifiedName']}:{shown}",
        "Active": active,
        "Classification": classification,
        "AccountType": account_type,
        "AccountSubType": subtype,
        "CurrentBalance": balance,
        "CurrentBalanceWithSubAccounts": balance if balance_with_subs is None else balance_with_subs,
        "CurrencyRef": currency_ref(currency),
        **base,
    }
    if parent is not None:
        wire["ParentRef"] = ref(parent["Id"])
    return wire


def customer(
    base: Wire,
    display_name: str,
    *,
    currency: str,
    given_name: str | None = None,
    family_name: str | None = None,
    company_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    bill_address: Wire | None = None,
    parent: Wire | None = None,
    taxable: bool = True,
    tax_code_id: str | None = None,
    active: bool = True,
    notes: str | None = None,
    balance: Decimal = ZERO,
    balance_with_jobs: Decimal | None = None,
) -> Wire:
    """A customer; an inactive one shows the suffix that QuickBooks appends, and keeps its PrintOnCheckName."""
    shown = display_name if active else f"{display_name} (deleted)"
    wire = {
        "Taxable": taxable,
        "Job": parent is not None,
        "BillWithParent": False,
        "Balance": balance,
        "BalanceWithJobs": balance if balance_with_jobs is None else balance_with_jobs,
        "CurrencyRef": currency_ref(currency),
        "PreferredDeliveryMethod": "Print",
        "IsProject": False,
        "ClientEntityId": "0",
        **base,
        "FullyQualifiedName": shown if parent is None else f"{parent['FullyQualifiedName']}:{shown}",
        "DisplayName": shown,
        "PrintOnCheckName": display_name,
        "Active": active,
        "V4IDPseudonym": f"002098{int(base['Id']):032x}",
    }
    if parent is not None:
        wire |= {"ParentRef": ref(parent["Id"]), "Level": 1}
    optional = {
        "GivenName": given_name,
        "FamilyName": family_name,
        "CompanyName": company_name,
        "Notes": notes,
        "PrimaryEmailAddr": email and {"Address": email},
        "PrimaryPhone": phone and {"FreeFormNumber": phone},
        "BillAddr": bill_address,
        "ShipAddr": bill_address,
        "DefaultTaxCodeRef": tax_code_id and ref(tax_code_id),
    }
    return wire | {key: value for key, value in optional.items() if value}


def vendor(
    base: Wire,
    display_name: str,
    *,
    currency: str,
    given_name: str | None = None,
    family_name: str | None = None,
    company_name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    bill_address: Wire | None = None,
    account_number: str | None = None,
    term_id: str | None = None,
    is_1099: bool = False,
    active: bool = True,
    balance: Decimal = ZERO,
) -> Wire:
    shown = display_name if active else f"{display_name} (deleted)"
    wire = {
        "Balance": balance,
        "Vendor1099": is_1099,
        "CurrencyRef": currency_ref(currency),
        **base,
        "DisplayName": shown,
        "PrintOnCheckName": display_name,
        "Active": active,
        "V4IDPseudonym": f"002098{int(base['Id']):032x}",
    }
    optional = {
        "GivenName": given_name,
        "FamilyName": family_name,
        "CompanyName": company_name,
        "PrimaryEmailAddr": email and {"Address": email},
        "PrimaryPhone": phone and {"FreeFormNumber": phone},
        "BillAddr": bill_address,
        "AcctNum": account_number,
        "TermRef": term_id and ref(term_id),
    }
    return wire | {key: value for key, value in optional.items() if value}


def item(
    base: Wire,
    name: str,
    *,
    kind: str,
    income_account: Wire,
    description: str | None = None,
    unit_price: Decimal = ZERO,
    purchase_cost: Decimal = ZERO,
    taxable: bool = False,
    expense_account: Wire | None = None,
    asset_account: Wire | None = None,
    quantity_on_hand: int = 0,
    inventory_start: date | None = None,
    sku: str | None = None,
    category: Wire | None = None,
    active: bool = True,
) -> Wire:
    """A Service, NonInventory or Inventory item; accounts and category are whole objects, for their ids and names.

    `Sku` and the category's ParentRef/SubItem/Level rest on the published schema; no recording kept here shows them.
    """
    shown = name if active else f"{name} (deleted)"
    wire = {
        "Name": shown,
        "Active": active,
        "FullyQualifiedName": shown if category is None else f"{category['Name']}:{shown}",
        "Taxable": taxable,
        "UnitPrice": unit_price,
        "Type": kind,
        "IncomeAccountRef": account_ref(income_account),
        "PurchaseCost": purchase_cost,
        "TrackQtyOnHand": kind == "Inventory",
        **base,
    }
    if description:
        wire["Description"] = description
    if sku:
        wire["Sku"] = sku
    if category is not None:
        wire |= {"SubItem": True, "ParentRef": ref(category["Id"], category["Name"]), "Level": 1}
    if expense_account is not None:
        wire["ExpenseAccountRef"] = account_ref(expense_account)
    if kind == "Inventory":
        wire |= {"AssetAccountRef": account_ref(asset_account), "QtyOnHand": quantity_on_hand}
        wire["InvStartDate"] = inventory_start.isoformat()
    return wire


def item_category(base: Wire, name: str) -> Wire:
    """A Category: it groups items and can be on no line. From the schema; no recording kept here shows one."""
    return {"Name": name, "Active": True, "FullyQualifiedName": name, "Type": "Category", **base}


def account_ref(wire: Wire) -> Wire:
    return ref(wire["Id"], wire["FullyQualifiedName"])


def customer_ref(wire: Wire) -> Wire:
    return ref(wire["Id"], wire["DisplayName"])


vendor_ref = customer_ref


def item_ref(wire: Wire) -> Wire:
    return ref(wire["Id"], wire["Name"])


def term(base: Wire, name: str, due_days: int) -> Wire:
    return {"Name": name, "Active": True, "Type": "STANDARD", "DueDays": due_days, "DiscountDays": 0, **base}


def payment_method(base: Wire, name: str, *, is_card: bool = False) -> Wire:
    return {"Name": name, "Active": True, "Type": "CREDIT_CARD" if is_card else "NON_CREDIT_CARD", **base}
