"""What an empty organisation has: its own record, a chart of accounts, tax rates, its currency.

Belongs here: data. Codes and names follow the recorded charts where those show them; ids are made from the tenant's id,
so that two runs have the same.
"""

import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID

from sandbox.xero import currencies, wire
from sandbox.xero.lists import CLASSES

_CLASS_OF = {kind: name for name, kinds in CLASSES.items() for kind in kinds.split()}

_CHART = """
090 BANK NONE - Business Bank Account
091 BANK NONE - Business Savings Account
200 REVENUE OUTPUT - Sales
260 REVENUE OUTPUT - Other Revenue
270 REVENUE NONE - Interest Income
300 DIRECTCOSTS INPUT - Purchases
310 DIRECTCOSTS INPUT - Cost of Goods Sold
400 EXPENSE INPUT - Advertising
404 EXPENSE NONE - Bank Fees
408 EXPENSE INPUT - Cleaning
412 EXPENSE INPUT - Consulting & Accounting
425 EXPENSE INPUT - Freight & Courier
429 EXPENSE INPUT - General Expenses
445 EXPENSE INPUT - Light, Power, Heating
453 EXPENSE INPUT - Office Expenses
469 EXPENSE INPUT - Rent
477 EXPENSE NONE - Wages and Salaries
485 EXPENSE INPUT - Subscriptions
493 EXPENSE INPUT - Travel
497 EXPENSE NONE BANKCURRENCYGAIN Bank Revaluations
498 EXPENSE NONE UNREALISEDCURRENCYGAIN Unrealised Currency Gains
499 EXPENSE NONE REALISEDCURRENCYGAIN Realised Currency Gains
610 CURRENT NONE DEBTORS Accounts Receivable
620 CURRENT NONE - Prepayments
630 INVENTORY NONE - Inventory
710 FIXED INPUT - Office Equipment
800 CURRLIAB NONE CREDITORS Accounts Payable
820 CURRLIAB NONE GST Sales Tax
840 CURRLIAB NONE HISTORICAL Historical Adjustment
860 CURRLIAB NONE ROUNDING Rounding
877 CURRLIAB NONE TRACKINGTRANSFERS Tracking Transfers
960 EQUITY NONE RETAINEDEARNINGS Retained Earnings
970 EQUITY NONE - Owner A Funds Introduced
"""
"""Code, type, tax type, system account and name of each account."""

_TAX_RATES = (
    ("OUTPUT", "Tax on Sales", "15", "OUTPUT"),
    ("INPUT", "Tax on Purchases", "15", "INPUT"),
    ("ZERORATEDOUTPUT", "Zero Rated Sales", "0", "NONEOUTPUT"),
    ("EXEMPTINPUT", "Tax Exempt Purchases", "0", "EXEMPTINPUT"),
    ("EXEMPTOUTPUT", "Tax Exempt Sales", "0", "EXEMPTOUTPUT"),
    ("NONE", "Tax Exempt", "0", "NONE"),
)
_FLAGS = ("CanApplyToAssets", "CanApplyToEquity", "CanApplyToExpenses", "CanApplyToLiabilities", "CanApplyToRevenue")


def guid(tenant_id: str, name: str) -> str:
    """The same id for the same name in the same organisation, always."""
    digest = hashlib.sha1(f"{tenant_id}/{name}".encode(), usedforsecurity=False).digest()
    return str(UUID(bytes=digest[:16], version=4))


def organisation(tenant_id: str, name: str, base: str, now_ms: int) -> dict[str, Any]:
    return {
        "Name": name,
        "LegalName": name,
        "PaysTax": True,
        "Version": "GLOBAL",
        "OrganisationType": "COMPANY",
        "BaseCurrency": base,
        "CountryCode": "US",
        "IsDemoCompany": False,
        "OrganisationStatus": "ACTIVE",
        "TaxNumber": "101-2-303",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 12,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "3MONTHLY",
        "DefaultSalesTax": "Remember previous",
        "DefaultPurchasesTax": "Remember previous",
        "CreatedDateUTC": wire.envelope_stamp(now_ms),
        "OrganisationEntityType": "COMPANY",
        "Timezone": "UTC",
        "ShortCode": "!" + tenant_id[:5],
        "OrganisationID": tenant_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }


def accounts(tenant_id: str, base: str, now_ms: int) -> list[dict[str, Any]]:
    found = []
    for row in _CHART.strip().splitlines():
        code, kind, tax_type, system, name = row.split(maxsplit=4)
        is_bank = kind == "BANK"
        account = {
            "AccountID": guid(tenant_id, f"account {code}"),
            "Code": code,
            "Name": name,
            "Status": "ACTIVE",
            "Type": kind,
            "TaxType": tax_type,
            "Class": _CLASS_OF[kind],
            **({"SystemAccount": system} if system != "-" else {}),
            "EnablePaymentsToAccount": code == "970",
            "ShowInExpenseClaims": False,
            **({"BankAccountNumber": f"01-0{code}-0000001-00"} if is_bank else {}),
            "BankAccountType": "BANK" if is_bank else "",
            **({"CurrencyCode": base} if is_bank else {}),
            "HasAttachments": False,
            "UpdatedDateUTC": wire.stamp(now_ms),
            "AddToWatchlist": False,
        }
        found.append(account)
    return found


def tax_rates() -> list[dict[str, Any]]:
    return [
        {
            "Name": name,
            "TaxType": kind,
            "ReportTaxType": report,
            **dict.fromkeys(_FLAGS, True),
            "DisplayTaxRate": Decimal(f"{rate}.0000"),
            "EffectiveRate": Decimal(f"{rate}.0000"),
            "Status": "ACTIVE",
            "TaxComponents": [
                {"Name": "Tax", "Rate": Decimal(f"{rate}.0000"), "IsCompound": False, "IsNonRecoverable": False}
            ],
        }
        for kind, name, rate, report in _TAX_RATES
    ]


def build_empty(tenant_id: str, name: str, base: str, now_ms: int) -> dict[str, list[dict[str, Any]]]:
    """The records of a new organisation by resource."""
    return {
        "Organisation": [organisation(tenant_id, name, base, now_ms)],
        "Accounts": accounts(tenant_id, base, now_ms),
        "TaxRates": tax_rates(),
        "Currencies": [{"Code": base, "Description": currencies.NAMES.get(base, base)}],
        "BrandingThemes": [
            {
                "BrandingThemeID": guid(tenant_id, "theme"),
                "Name": "Standard",
                "SortOrder": 0,
                "CreatedDateUTC": wire.stamp(now_ms),
            }
        ],
    }
