"""QuickBooks Online as data: what its entities are called and can do, its limits, and the settings a connection needs.

Belongs here: facts without behaviour. How they are used is in `client.py` and `wire.py`; where they come from is in
`README.md` beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from resources.profile import SettingKey

ERP = "quickbooks"
MINOR_VERSION = 75

PAGE_ROWS_MAX = 1000
# Below this a page cannot be too large for any sane record: 256 MB / 10 is far over a document of 10,000 lines.
PAGE_ROWS_MIN = 10
IDS_PER_QUERY_MAX = 200

# More objects than this never come in one change-data-capture answer, and nothing says that some are missing.
FEED_OBJECTS_MAX = 1000
# The feed reaches back 30 days; a day is kept for clocks and for the time a pull takes.
FEED_AGE_MAX = timedelta(days=29)

CALLS_PER_WINDOW_MAX = 500
CALL_WINDOW_SECONDS = 60.0
CALLS_IN_FLIGHT_MAX = 10
BATCHES_PER_WINDOW_MAX = 40
# 25 before November 2025.
BATCH_ITEMS_MAX = 30
# A 429 carries no Retry-After in any capture; the limit is counted by the minute.
THROTTLED_SECONDS = 60.0

PRODUCTION = "production"
SANDBOX = "sandbox"
PRODUCTION_URL = "https://quickbooks.api.intuit.com"
SANDBOX_URL = "https://sandbox-quickbooks.api.intuit.com"

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class WireEntity:
    """One entity as QuickBooks has it.

    `is_name_list`: queries hide inactive rows unless `Active IN (true, false)` asks for them.
    `has_change_feed`: change data capture knows it, so its deletions are reported too.
    `is_singleton`: exactly one object, read by GET, never queried.
    `has_word_ids`: some of its ids are words, TAX and NON; all other ids are digits, and a query for anything else is
    fault 2030.
    `refresh_after_seconds`: without a feed, how old our copy may get; None where the feed tells.
    """

    wire_name: str
    is_name_list: bool = False
    has_change_feed: bool = True
    is_singleton: bool = False
    has_word_ids: bool = False
    refresh_after_seconds: int | None = None


WIRE_ENTITIES = MappingProxyType(
    {
        "customers": WireEntity("Customer", is_name_list=True),
        "vendors": WireEntity("Vendor", is_name_list=True),
        "items": WireEntity("Item", is_name_list=True),
        "invoices": WireEntity("Invoice"),
        "credit_memos": WireEntity("CreditMemo"),
        "payments": WireEntity("Payment"),
        "bills": WireEntity("Bill"),
        "vendor_credits": WireEntity("VendorCredit"),
        "bill_payments": WireEntity("BillPayment"),
        "purchase_orders": WireEntity("PurchaseOrder"),
        "accounts": WireEntity("Account", is_name_list=True),
        # Tax codes show inactive rows unasked, and the US pseudo codes TAX and NON have neither Active nor a time.
        "tax_codes": WireEntity("TaxCode", has_change_feed=False, has_word_ids=True, refresh_after_seconds=DAY_SECONDS),
        "tax_rates": WireEntity("TaxRate", has_change_feed=False, refresh_after_seconds=DAY_SECONDS),
        "terms": WireEntity("Term", is_name_list=True),
        "payment_methods": WireEntity("PaymentMethod", is_name_list=True),
        "company_info": WireEntity(
            "CompanyInfo", has_change_feed=False, is_singleton=True, refresh_after_seconds=DAY_SECONDS
        ),
        "preferences": WireEntity(
            "Preferences", has_change_feed=False, is_singleton=True, refresh_after_seconds=DAY_SECONDS
        ),
    }
)

SALES = ("invoices", "credit_memos")
PAYERS = ("payments", "bill_payments")
# The others have no void in QuickBooks, only deletion.
VOIDABLE = ("invoices", *PAYERS)

SETTING_KEYS = (
    SettingKey("realm_id", True, False, "the company's id: digits, shown as Company ID in QuickBooks"),
    SettingKey("client_id", True, False, "of the Intuit app"),
    SettingKey("client_secret", True, True, "of the Intuit app"),
    SettingKey("refresh_token", True, True, "of the company's consent; replaced by itself from then on"),
    SettingKey("access_token", False, True, "if one is at hand; otherwise the first call obtains it"),
    SettingKey("environment", False, False, f"{PRODUCTION} (default) or {SANDBOX}"),
    SettingKey("verifier_token", False, True, "that the Intuit app signs its webhooks with"),
)
