"""Xero as data: what its resources are called and can do, its limits, and the settings a connection needs.

Belongs here: facts without behaviour. How they are used is in `client.py`, `lists.py` and `wire.py`; where they come
from is in `README.md` beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resources.profile import SettingKey

ERP = "xero"
API_URL = "https://api.xero.com"
IDENTITY_URL = "https://identity.xero.com"
ACCOUNTING_PATH = "/api.xro/2.0"

PAGE_ROWS_MAX = 1000
# Lists of ids stand in the URL.
IDS_PER_CALL_MAX = 40
CALLS_PER_MINUTE_MAX = 60
CALLS_PER_APP_MINUTE_MAX = 10_000
CALLS_IN_FLIGHT_MAX = 5
# Xero names no such limit of an app: what its minute would be at six seconds a call.
CALLS_PER_APP_IN_FLIGHT_MAX = 1_000
# A day's calls of one organisation: on the free tier, and on every paid one.
CALLS_PER_DAY_FREE = 1_000
CALLS_PER_DAY_PAID = 5_000
MINUTE_SECONDS = 60.0
DAY_SECONDS = 86_400
# `concurrent` carries no Retry-After.
CONCURRENT_SECONDS = 1.0
THROTTLED_SECONDS = 60.0
OFFLINE_SECONDS = 300.0

ELEMENTS_PER_WRITE_MAX = 40
IDEMPOTENCY_KEY_CHARACTERS_MAX = 128
# Documented as 6 minutes from the first call: within 5 a repeat meets its own first answer.
KEY_SECONDS_SAFE = 300.0
# Measured in June 2026: forgotten after 20 minutes. What has not happened by then will not.
KEY_SECONDS_FORGOTTEN = 1_200.0

DRAFT, AUTHORISED = "DRAFT", "AUTHORISED"
UNIT_PRICE_DECIMALS = 4
ZERO_ID = "00000000-0000-0000-0000-000000000000"


# Compared and hashed by what they are: there is one of each.
@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One list of Xero's.

    `name`: the key of its array in answers. `key`: of a record's id. `read`: the SDK's method that lists it.
    `read_one`: the one that reads a single record, None where `ids` (a list parameter) or the whole list serves.
    `has_prices`: unit prices, which come with two decimals unless four are asked for.
    `is_paged`: it takes page and pageSize; others come whole. `has_delta`: it takes If-Modified-Since.
    `type_key`: what tells receivable from payable in it. `is_cut`: its rows are read many at a time, by their shape.
    Money is not: what it was applied to stands elsewhere in each kind of record and is gathered one by one.
    """

    name: str
    key: str
    read: str
    read_one: str | None = None
    is_paged: bool = True
    has_delta: bool = True
    has_where: bool = True
    has_ids: bool = False
    has_prices: bool = False
    type_key: str | None = None
    is_cut: bool = False


CONTACTS = Resource("Contacts", "ContactID", "get_contacts", has_ids=True, is_cut=True)
ITEMS = Resource("Items", "Code", "get_items", is_paged=False, has_prices=True)
INVOICES = Resource(
    "Invoices", "InvoiceID", "get_invoices", has_ids=True, has_prices=True, type_key="Type", is_cut=True
)
CREDIT_NOTES = Resource(
    "CreditNotes", "CreditNoteID", "get_credit_notes", "get_credit_note", has_prices=True, type_key="Type", is_cut=True
)
PAYMENTS = Resource("Payments", "PaymentID", "get_payments", "get_payment", type_key="PaymentType")
OVERPAYMENTS = Resource(
    "Overpayments", "OverpaymentID", "get_overpayments", "get_overpayment", has_prices=True, type_key="Type"
)
PREPAYMENTS = Resource(
    "Prepayments", "PrepaymentID", "get_prepayments", "get_prepayment", has_prices=True, type_key="Type"
)
# Read for one purpose only: an over- or prepayment is taken back by the bank transaction that made it.
BANK_TRANSACTIONS = Resource("BankTransactions", "BankTransactionID", "get_bank_transactions", type_key="Type")
PURCHASE_ORDERS = Resource(
    "PurchaseOrders", "PurchaseOrderID", "get_purchase_orders", "get_purchase_order", has_where=False, is_cut=True
)
ACCOUNTS = Resource("Accounts", "AccountID", "get_accounts", is_paged=False)
TAX_RATES = Resource("TaxRates", "TaxType", "get_tax_rates", is_paged=False, has_delta=False)
CURRENCIES = Resource("Currencies", "Code", "get_currencies", is_paged=False, has_delta=False)
TRACKING = Resource(
    "TrackingCategories", "TrackingCategoryID", "get_tracking_categories", is_paged=False, has_delta=False
)
ORGANISATION = Resource(
    "Organisations", "OrganisationID", "get_organisations", is_paged=False, has_delta=False, has_where=False
)


@dataclass(frozen=True, slots=True)
class Source:
    """A list, and which of its records belong to an entity: those whose `type_key` has one of `types` (all if none)."""

    resource: Resource
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WireEntity:
    """One entity as Xero has it: its title there, and the lists it is put together from."""

    wire_name: str
    sources: tuple[Source, ...]
    refresh_after_seconds: int | None = None


def _daily(wire_name: str, *resources: Resource) -> WireEntity:
    return WireEntity(wire_name, tuple(map(Source, resources)), DAY_SECONDS)


WIRE_ENTITIES = MappingProxyType(
    {
        "customers": WireEntity("Contact", (Source(CONTACTS),)),
        "vendors": WireEntity("Contact", (Source(CONTACTS),)),
        "items": WireEntity("Item", (Source(ITEMS),)),
        "invoices": WireEntity("Invoice", (Source(INVOICES, ("ACCREC",)),)),
        "credit_memos": WireEntity("CreditNote", (Source(CREDIT_NOTES, ("ACCRECCREDIT",)),)),
        "payments": WireEntity(
            "Payment",
            (
                Source(PAYMENTS, ("ACCRECPAYMENT", "ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT", "ARPREPAYMENTPAYMENT")),
                Source(OVERPAYMENTS, ("RECEIVE-OVERPAYMENT", "AROVERPAYMENT")),
                Source(PREPAYMENTS, ("RECEIVE-PREPAYMENT", "ARPREPAYMENT")),
                Source(CREDIT_NOTES, ("ACCRECCREDIT",)),
            ),
        ),
        "purchase_orders": WireEntity("PurchaseOrder", (Source(PURCHASE_ORDERS),)),
        "bills": WireEntity("Invoice", (Source(INVOICES, ("ACCPAY",)),)),
        "vendor_credits": WireEntity("CreditNote", (Source(CREDIT_NOTES, ("ACCPAYCREDIT",)),)),
        "bill_payments": WireEntity(
            "Payment",
            (
                Source(PAYMENTS, ("ACCPAYPAYMENT", "APCREDITPAYMENT", "APOVERPAYMENTPAYMENT", "APPREPAYMENTPAYMENT")),
                Source(OVERPAYMENTS, ("SPEND-OVERPAYMENT", "APOVERPAYMENT")),
                Source(PREPAYMENTS, ("SPEND-PREPAYMENT", "APPREPAYMENT")),
                Source(CREDIT_NOTES, ("ACCPAYCREDIT",)),
            ),
        ),
        "accounts": WireEntity("Account", (Source(ACCOUNTS),)),
        "tax_codes": _daily("TaxRate", TAX_RATES),
        "company_info": _daily("Organisation", ORGANISATION),
        # Xero has no preferences: what the organisation has switched on are two short lists.
        "preferences": _daily("Currency", CURRENCIES, TRACKING),
    }
)

# Contacts are both sides' parties, invoices both sides' documents, and what a credit note was used for is a payment.
TOGETHER = (
    frozenset({"customers", "vendors"}),
    frozenset({"invoices", "bills"}),
    frozenset({"credit_memos", "vendor_credits", "payments", "bill_payments"}),
)
RECEIVABLE = frozenset({"customers", "invoices", "credit_memos", "payments"})
PAYABLE = frozenset({"vendors", "bills", "vendor_credits", "bill_payments", "purchase_orders"})
DOCUMENTS = frozenset({"invoices", "bills", "credit_memos", "vendor_credits", "purchase_orders"})
PAYERS = frozenset({"payments", "bill_payments"})
CONTACT_ROLES = MappingProxyType({"customers": "IsCustomer", "vendors": "IsSupplier"})


def calls_per_day(settings: Mapping[str, str]) -> int:
    """How many calls a day the organisation allows this app: what the connection says, else a paid tier's."""
    said = settings.get("calls_per_day", "")
    return int(said) if said.isdecimal() and int(said) > 0 else CALLS_PER_DAY_PAID


SETTING_KEYS = (
    SettingKey("tenant_id", True, False, "the organisation's id, as `/connections` names it (tenantId)"),
    SettingKey("client_id", True, False, "of the Xero app or custom connection"),
    SettingKey("client_secret", True, True, "of the Xero app or custom connection"),
    SettingKey(
        "refresh_token", False, True, "of the consent, replaced by itself from then on; none for a custom connection"
    ),
    SettingKey("access_token", False, True, "if one is at hand; otherwise the first call obtains it"),
    SettingKey("webhook_key", False, True, "that Xero signs the app's webhooks with"),
    SettingKey("document_status", False, False, f"how documents are made: {AUTHORISED} (default) or {DRAFT}"),
    SettingKey("calls_per_day", False, False, f"{CALLS_PER_DAY_PAID} (default), {CALLS_PER_DAY_FREE} on the free tier"),
)
