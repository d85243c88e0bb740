"""Every resource of the accounting API as one row: its names, its keys, how its lists are read.

Belongs here: what differs between resources without being a rule of accounting. Those rules are in the modules that
write each of them; a resource without a writer can only be loaded and read. Facts: reference section 4.
"""

from dataclasses import dataclass
from typing import Literal

_PARTY_DETAILS = (
    "PaymentTerms Balances BatchPayments BrandingTheme Website Discount MergedToContactID XeroNetworkKey "
    "SalesDefaultAccountCode PurchasesDefaultAccountCode SalesDefaultLineAmountType PurchasesDefaultLineAmountType "
    "SalesTrackingCategories PurchasesTrackingCategories TrackingCategoryName TrackingCategoryOption"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    `key` is the property that identifies a record, `natural` those that also find one in a path. `filters` says which
    of `modified` (If-Modified-Since), `where` and `order` the list obeys; `lists` maps a query parameter to the
    property it lists values of. `blank` empties and `drop` leaves out properties where a list is read without `page`,
    `summary_drop` where it is read with summaryOnly. `flag` is the property that says an element has errors.
    `changed` is the property that says when it last changed. `is_counted`: its pages say how many of them there are.
    `optimised` are the properties a list of more than 100,000 records may be ordered by ("" where that is not known).
    """

    name: str
    singular: str
    key: str
    natural: tuple[str, ...] = ()
    paging: Literal["asked", "always", "never"] = "never"
    filters: str = "modified where order"
    lists: tuple[tuple[str, str], ...] = ()
    blank: str = ""
    drop: str = ""
    summary_drop: str = ""
    search: str = ""
    archived: tuple[str, str] | None = None
    flag: str = ""
    subs: str = ""
    scope: str = "accounting.settings"
    optimised: str = ""
    changed: str = "UpdatedDateUTC"
    is_counted: bool = True


_DOCUMENT_SUBS = "History Attachments"

RESOURCES = (
    Resource("Accounts", "Account", "AccountID", subs="Attachments"),
    Resource(
        "BankTransactions",
        "BankTransaction",
        "BankTransactionID",
        paging="asked",
        blank="LineItems",
        subs=_DOCUMENT_SUBS,
        scope="accounting.banktransactions",
    ),
    Resource(
        "BankTransfers",
        "BankTransfer",
        "BankTransferID",
        subs=_DOCUMENT_SUBS,
        scope="accounting.banktransactions",
        changed="CreatedDateUTC",
    ),
    Resource("BatchPayments", "BatchPayment", "BatchPaymentID", subs="History", scope="accounting.payments"),
    Resource("BrandingThemes", "BrandingTheme", "BrandingThemeID", filters=""),
    Resource("ContactGroups", "ContactGroup", "ContactGroupID", filters="where order", scope="accounting.contacts"),
    Resource(
        "Contacts",
        "Contact",
        "ContactID",
        natural=("ContactNumber",),
        paging="asked",
        lists=(("IDs", "ContactID"),),
        blank="ContactPersons",
        drop=_PARTY_DETAILS,
        summary_drop="Addresses Balances ContactGroups ContactPersons IsCustomer IsSupplier SalesDefaultAccountCode "
        "PurchasesDefaultAccountCode SalesDefaultLineAmountType PurchasesDefaultLineAmountType "
        "SalesTrackingCategories PurchasesTrackingCategories TrackingCategoryName TrackingCategoryOption",
        optimised="Name EmailAddress AccountNumber ContactID ContactStatus UpdatedDateUTC",
        search="Name FirstName LastName ContactNumber CompanyNumber EmailAddress",
        archived=("ContactStatus", "ARCHIVED"),
        flag="HasValidationErrors",
        subs=_DOCUMENT_SUBS,
        scope="accounting.contacts",
    ),
    Resource(
        "CreditNotes",
        "CreditNote",
        "CreditNoteID",
        natural=("CreditNoteNumber",),
        paging="asked",
        blank="LineItems",
        flag="HasErrors",
        subs=_DOCUMENT_SUBS + " Allocations pdf",
        scope="accounting.invoices",
    ),
    Resource("Currencies", "Currency", "Code", filters="where order"),
    Resource("ExpenseClaims", "ExpenseClaim", "ExpenseClaimID", subs="History", scope="accounting.invoices"),
    Resource(
        "Invoices",
        "Invoice",
        "InvoiceID",
        natural=("InvoiceNumber",),
        paging="asked",
        lists=(
            ("IDs", "InvoiceID"),
            ("InvoiceNumbers", "InvoiceNumber"),
            ("ContactIDs", "Contact.ContactID"),
            ("Statuses", "Status"),
        ),
        blank="LineItems",
        summary_drop="Payments HasAttachments LineItems CISDeduction",
        search="InvoiceNumber Reference Contact.Name",
        optimised="Status Contact.ContactID Contact.Name Contact.ContactNumber Reference InvoiceNumber InvoiceID Date "
        "Type AmountDue AmountPaid DueDate UpdatedDateUTC",
        flag="HasErrors",
        subs=_DOCUMENT_SUBS + " pdf OnlineInvoice Email",
        scope="accounting.invoices",
    ),
    Resource(
        "Items", "Item", "ItemID", natural=("Code",), subs="History", scope="accounting.settings accounting.invoices"
    ),
    Resource(
        "Journals",
        "Journal",
        "JournalID",
        natural=("JournalNumber",),
        filters="modified",
        scope="accounting.journals",
        changed="CreatedDateUTC",
    ),
    Resource("LinkedTransactions", "LinkedTransaction", "LinkedTransactionID", filters="", scope="accounting.invoices"),
    Resource(
        "ManualJournals",
        "ManualJournal",
        "ManualJournalID",
        paging="asked",
        blank="JournalLines",
        subs=_DOCUMENT_SUBS,
        scope="accounting.manualjournals",
    ),
    Resource("Organisation", "Organisation", "OrganisationID", filters=""),
    Resource(
        "Overpayments",
        "Overpayment",
        "OverpaymentID",
        paging="asked",
        lists=(("References", "Reference"),),
        blank="LineItems",
        subs="History Allocations",
        scope="accounting.payments",
    ),
    Resource(
        "Payments",
        "Payment",
        "PaymentID",
        paging="asked",
        flag="HasValidationErrors",
        subs="History",
        scope="accounting.payments",
        optimised="PaymentType Status Date Invoice.InvoiceID Reference PaymentID UpdatedDateUTC",
    ),
    Resource(
        "Prepayments",
        "Prepayment",
        "PrepaymentID",
        paging="asked",
        lists=(("InvoiceNumbers", "InvoiceNumber"),),
        blank="LineItems",
        subs="History Allocations",
        scope="accounting.payments",
    ),
    Resource(
        "PurchaseOrders",
        "PurchaseOrder",
        "PurchaseOrderID",
        natural=("PurchaseOrderNumber",),
        paging="always",
        filters="modified order",
        lists=(("Status", "Status"),),
        flag="HasErrors",
        subs=_DOCUMENT_SUBS + " pdf",
        scope="accounting.invoices",
    ),
    Resource(
        "Quotes",
        "Quote",
        "QuoteID",
        paging="always",
        filters="modified order",
        lists=(("Status", "Status"), ("QuoteNumber", "QuoteNumber"), ("ContactID", "Contact.ContactID")),
        subs=_DOCUMENT_SUBS,
        scope="accounting.invoices",
        is_counted=False,
    ),
    Resource("Receipts", "Receipt", "ReceiptID", scope="accounting.invoices"),
    Resource(
        "RepeatingInvoices",
        "RepeatingInvoice",
        "RepeatingInvoiceID",
        filters="where order",
        scope="accounting.invoices",
    ),
    Resource("TaxRates", "TaxRate", "TaxType", filters="where order"),
    Resource(
        "TrackingCategories",
        "TrackingCategory",
        "TrackingCategoryID",
        filters="where order",
        archived=("Status", "ARCHIVED"),
        subs="Options",
    ),
    Resource("Users", "User", "UserID"),
)

BY_NAME = {each.name: each for each in RESOURCES}
BY_PATH = {each.name.lower(): each for each in RESOURCES} | {"organisations": BY_NAME["Organisation"]}

COLLECTION = {"Organisation": "Organisations"}
"""Where the name of the list in an answer is not the name in the path."""


def collection_of(resource: Resource) -> str:
    return COLLECTION.get(resource.name, resource.name)


BY_COLLECTION = {collection_of(each): each for each in RESOURCES}
