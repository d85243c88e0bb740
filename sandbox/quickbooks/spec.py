"""What QuickBooks does with each entity, as data: one row per entity, no branches elsewhere.

Belongs here: names, order, filterable properties, required ones, defaults, what may be done to an entity and how it
moves balances. Properties and their types are `properties.py`. Facts: reference sections 4, 5, 7, 8 and 11.
"""

from dataclasses import dataclass

from sandbox.quickbooks.properties import SCHEMA


@dataclass(frozen=True, slots=True)
class Property:
    """One property:
    `kind` is text, number, boolean, date, time, reference, any, or the name of another schema entry.
    """

    name: str
    kind: str
    is_list: bool


_MARKS = {"#": "number", "?": "boolean", "@": "date", "~": "time", ">": "reference", "=": "any"}


def _parse(entry: str) -> dict[str, Property]:
    properties: dict[str, Property] = {}
    for word in SCHEMA[entry].split():
        if word.startswith("+"):
            properties.update(_parse(word[1:]))
            continue
        is_list, word = word.endswith("*"), word.removesuffix("*")
        name, colon, other = word.partition(":")
        if colon:
            kind = other or name
        else:
            kind = _MARKS.get(word[-1], "text")
            name = word.rstrip("#?@~>=")
        properties[name] = Property(name, kind, is_list)
    return properties


TYPES: dict[str, dict[str, Property]] = {entry: _parse(entry) for entry in SCHEMA}


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity. Words in the texts are separated by blanks.

    `kind`: "name" (lists of people, things, codes: ordered by `order`), "transaction" (newest change first), "single"
    (one object). `sequence`: which counter its Ids come from. `filterable`/`sortable`: beyond Id and MetaData times.
    `totals`: list answers carry totalCount. `hides_inactive`: default queries leave inactive rows out. `named_by`:
    the property that must be unique within `unique_with`; `shown_as`: what references to it show as name. `party`:
    the property naming the customer or vendor. `arrays`: lists shown even when empty. `can`: create update delete
    void query read. `required`: on create. `numbered`: gets a DocNumber by itself. `lines`: detail types a line may
    have (empty: unchecked). `cdc`: known to change data capture. `key`: the properties that identify an object which
    has no Id. `rows_beyond_page`: how many rows more than asked for a page of a query has.
    `sparse_required`: what even a sparse update must say again.
    """

    name: str
    kind: str
    sequence: str
    order: str = ""
    filterable: str = ""
    sortable: str = ""
    totals: bool = False
    hides_inactive: bool = False
    named_by: str = ""
    unique_with: str = ""
    shown_as: str = ""
    party: str = ""
    arrays: str = ""
    can: str = "create update query read"
    required: str = ""
    numbered: bool = False
    lines: str = ""
    read_only: str = ""
    cdc: bool = True
    key: str = ""
    rows_beyond_page: int = 0
    sparse_required: str = ""

    @property
    def path(self) -> str:
        return self.name.lower()

    @property
    def properties(self) -> dict[str, Property]:
        return TYPES[self.name]

    def allows(self, what: str) -> bool:
        return what in self.can.split()


_TRANSACTION = "create update delete query read"
_NAME_PARTS = "GivenName FamilyName CompanyName FullyQualifiedName Active"
_SALE_LINES = "SalesItemLineDetail GroupLineDetail DescriptionOnly DiscountLineDetail SubTotalLineDetail TaxLineDetail"
_COST_LINES = "AccountBasedExpenseLineDetail ItemBasedExpenseLineDetail DescriptionOnly GroupLineDetail TaxLineDetail"
_SALE_COMPUTED = "TotalAmt HomeTotalAmt Balance HomeBalance RemainingCredit"
_SALE_FILTERS = "CustomerRef DocNumber TxnDate TotalAmt"

ENTITIES: tuple[Entity, ...] = (
    Entity(
        "Customer",
        "name",
        "name",
        order="FullyQualifiedName",
        filterable=f"DisplayName {_NAME_PARTS} PrimaryEmailAddr Balance Job",
        sortable="DisplayName GivenName FamilyName CompanyName FullyQualifiedName Balance",
        hides_inactive=True,
        named_by="DisplayName",
        unique_with="Customer Vendor Employee",
        shown_as="DisplayName",
        read_only="Balance BalanceWithJobs FullyQualifiedName Level HomeBalance OverDueBalance TotalRevenue",
    ),
    Entity(
        "Vendor",
        "name",
        "name",
        order="DisplayName",
        filterable="DisplayName GivenName FamilyName CompanyName Active Balance",
        sortable="DisplayName GivenName FamilyName CompanyName Balance",
        hides_inactive=True,
        named_by="DisplayName",
        unique_with="Customer Vendor Employee",
        shown_as="DisplayName",
        read_only="Balance FullyQualifiedName HomeBalance OverDueBalance",
    ),
    Entity(
        "Employee",
        "name",
        "name",
        order="DisplayName",
        filterable="DisplayName GivenName FamilyName Active",
        sortable="DisplayName GivenName FamilyName",
        hides_inactive=True,
        named_by="DisplayName",
        unique_with="Customer Vendor Employee",
        shown_as="DisplayName",
    ),
    Entity(
        "Item",
        "name",
        "item",
        order="Name",
        filterable="Name FullyQualifiedName Type Active Taxable SubItem Sku",
        sortable="Name Type UnitPrice PurchaseCost",
        hides_inactive=True,
        named_by="Name",
        unique_with="Item",
        shown_as="Name",
        required="Name Type",
        read_only="FullyQualifiedName Level",
    ),
    Entity(
        "Account",
        "name",
        "account",
        order="Name",
        filterable="Name AccountType AccountSubType Active Classification FullyQualifiedName",
        sortable="Name AccountType",
        hides_inactive=True,
        named_by="Name",
        unique_with="Account",
        shown_as="FullyQualifiedName",
        required="Name",
        read_only="CurrentBalance CurrentBalanceWithSubAccounts FullyQualifiedName",
    ),
    Entity(
        "Class",
        "name",
        "class",
        order="FullyQualifiedName",
        filterable="Name FullyQualifiedName Active SubClass",
        sortable="Name FullyQualifiedName",
        hides_inactive=True,
        named_by="Name",
        unique_with="Class",
        shown_as="FullyQualifiedName",
        required="Name",
        read_only="FullyQualifiedName",
    ),
    Entity(
        "Department",
        "name",
        "department",
        order="FullyQualifiedName",
        filterable="Name FullyQualifiedName Active SubDepartment",
        sortable="Name FullyQualifiedName",
        hides_inactive=True,
        named_by="Name",
        unique_with="Department",
        shown_as="FullyQualifiedName",
        required="Name",
        read_only="FullyQualifiedName",
    ),
    Entity(
        "Term",
        "name",
        "term",
        order="Name",
        filterable="Name Active",
        sortable="Name",
        hides_inactive=True,
        named_by="Name",
        unique_with="Term",
        shown_as="Name",
        required="Name",
    ),
    Entity(
        "PaymentMethod",
        "name",
        "paymentmethod",
        order="Name",
        filterable="Name Active",
        sortable="Name",
        hides_inactive=True,
        named_by="Name",
        unique_with="PaymentMethod",
        shown_as="Name",
        required="Name",
    ),
    Entity(
        "TaxCode",
        "name",
        "taxcode",
        order="Id",
        rows_beyond_page=3,
        filterable="Name Active",
        sortable="Name",
        named_by="Name",
        unique_with="TaxCode",
        shown_as="Name",
        can="query read",
        cdc=False,
    ),
    Entity(
        "TaxRate",
        "name",
        "taxrate",
        order="Name",
        filterable="Name Active",
        sortable="Name",
        named_by="Name",
        unique_with="TaxRate",
        shown_as="Name",
        can="query read",
        cdc=False,
    ),
    Entity(
        "TaxAgency",
        "name",
        "taxagency",
        order="DisplayName",
        filterable="DisplayName",
        sortable="DisplayName",
        named_by="DisplayName",
        unique_with="TaxAgency",
        shown_as="DisplayName",
        can="create query read",
        required="DisplayName",
        cdc=False,
    ),
    Entity(
        "CompanyCurrency",
        "name",
        "companycurrency",
        order="Code",
        filterable="Name Code Active",
        sortable="Name Code",
        hides_inactive=True,
        named_by="Code",
        unique_with="CompanyCurrency",
        shown_as="Name",
        required="Code",
    ),
    Entity(
        "ExchangeRate",
        "name",
        "exchangerate",
        order="SourceCurrencyCode",
        filterable="SourceCurrencyCode AsOfDate",
        sortable="SourceCurrencyCode AsOfDate",
        can="update query read",
        key="SourceCurrencyCode AsOfDate",
    ),
    Entity("CompanyInfo", "single", "companyinfo", can="update query read", read_only="CompanyStartDate EmployerId"),
    Entity("Preferences", "single", "preferences", can="update query read"),
    Entity(
        "Attachable",
        "name",
        "attachable",
        order="FileName",
        filterable="FileName Note AttachableRef.EntityRef.Type AttachableRef.EntityRef.value",
        sortable="FileName",
        can="create update delete query read",
    ),
    Entity(
        "Invoice",
        "transaction",
        "transaction",
        filterable="CustomerRef DocNumber TxnDate DueDate Balance SalesTermRef ProjectRef TotalAmt",
        sortable="DocNumber TxnDate DueDate Balance",
        totals=True,
        party="CustomerRef",
        arrays="CustomField LinkedTxn",
        can=f"{_TRANSACTION} void send",
        required="CustomerRef Line",
        numbered=True,
        lines=_SALE_LINES,
        read_only=f"{_SALE_COMPUTED} InvoiceLink",
    ),
    Entity(
        "CreditMemo",
        "transaction",
        "transaction",
        filterable="CustomerRef DocNumber TxnDate Balance SalesTermRef",
        sortable="DocNumber TxnDate Balance",
        party="CustomerRef",
        arrays="CustomField",
        can=f"{_TRANSACTION} send",
        required="CustomerRef Line",
        numbered=True,
        lines=_SALE_LINES,
        read_only=_SALE_COMPUTED,
    ),
    Entity(
        "Payment",
        "transaction",
        "transaction",
        filterable="CustomerRef TotalAmt TxnDate PaymentMethodRef PaymentRefNum",
        sortable="TxnDate",
        party="CustomerRef",
        arrays="Line",
        can=f"{_TRANSACTION} void send",
        required="CustomerRef TotalAmt",
        read_only="UnappliedAmt HomeTotalAmt HomeBalance LinkedTxn",
    ),
    Entity(
        "Bill",
        "transaction",
        "transaction",
        sparse_required="VendorRef",
        filterable="VendorRef DocNumber TxnDate DueDate TotalAmt Balance APAccountRef SalesTermRef",
        sortable="VendorRef DocNumber TxnDate DueDate TotalAmt APAccountRef SalesTermRef",
        totals=True,
        party="VendorRef",
        can=_TRANSACTION,
        required="VendorRef Line",
        lines=_COST_LINES,
        read_only="TotalAmt HomeTotalAmt Balance HomeBalance LinkedTxn",
    ),
    Entity(
        "BillPayment",
        "transaction",
        "transaction",
        filterable="VendorRef DocNumber TxnDate TotalAmt APAccountRef",
        sortable="VendorRef DocNumber TxnDate TotalAmt APAccountRef",
        totals=True,
        party="VendorRef",
        arrays="Line",
        can=f"{_TRANSACTION} void",
        required="VendorRef TotalAmt PayType Line",
        read_only="HomeTotalAmt LinkedTxn",
    ),
    Entity(
        "VendorCredit",
        "transaction",
        "transaction",
        filterable="DocNumber TxnDate TotalAmt APAccountRef",
        sortable="DocNumber TxnDate TotalAmt APAccountRef Balance",
        party="VendorRef",
        can=_TRANSACTION,
        required="VendorRef Line",
        lines=_COST_LINES,
        read_only="TotalAmt HomeTotalAmt Balance HomeBalance LinkedTxn",
    ),
    Entity(
        "PurchaseOrder",
        "transaction",
        "transaction",
        filterable="DocNumber TxnDate DueDate",
        sortable="DocNumber TxnDate DueDate",
        totals=True,
        party="VendorRef",
        arrays="CustomField LinkedTxn",
        can=f"{_TRANSACTION} send",
        required="VendorRef APAccountRef Line",
        numbered=True,
        lines=_COST_LINES,
        read_only="TotalAmt HomeTotalAmt LinkedTxn",
    ),
    Entity(
        "Estimate",
        "transaction",
        "transaction",
        filterable=f"{_SALE_FILTERS} ExpirationDate",
        sortable="DocNumber TxnDate TotalAmt",
        party="CustomerRef",
        arrays="CustomField LinkedTxn",
        can=f"{_TRANSACTION} send",
        required="CustomerRef Line",
        numbered=True,
        lines=_SALE_LINES,
        read_only=_SALE_COMPUTED,
    ),
    Entity(
        "SalesReceipt",
        "transaction",
        "transaction",
        filterable=f"{_SALE_FILTERS} PaymentMethodRef DepositToAccountRef",
        sortable="DocNumber TxnDate TotalAmt",
        party="CustomerRef",
        arrays="CustomField",
        can=f"{_TRANSACTION} void send",
        required="Line",
        numbered=True,
        lines=_SALE_LINES,
        read_only=_SALE_COMPUTED,
    ),
    Entity(
        "RefundReceipt",
        "transaction",
        "transaction",
        filterable=_SALE_FILTERS,
        sortable="DocNumber TxnDate TotalAmt",
        party="CustomerRef",
        arrays="CustomField",
        can=f"{_TRANSACTION} send",
        required="DepositToAccountRef Line",
        numbered=True,
        lines=_SALE_LINES,
        read_only=_SALE_COMPUTED,
    ),
    Entity(
        "Deposit",
        "transaction",
        "transaction",
        filterable="TxnDate TotalAmt DocNumber",
        sortable="TxnDate TotalAmt",
        totals=True,
        arrays="Line",
        can=_TRANSACTION,
        required="DepositToAccountRef Line",
        read_only="TotalAmt HomeTotalAmt",
    ),
    Entity(
        "JournalEntry",
        "transaction",
        "transaction",
        filterable="DocNumber TxnDate",
        sortable="DocNumber TxnDate",
        totals=True,
        arrays="Line",
        can=_TRANSACTION,
        required="Line",
        read_only="TotalAmt HomeTotalAmt",
    ),
    Entity(
        "Purchase",
        "transaction",
        "transaction",
        filterable="DocNumber TxnDate TotalAmt PaymentType AccountRef",
        sortable="DocNumber TxnDate TotalAmt",
        arrays="Line",
        can=_TRANSACTION,
        required="AccountRef PaymentType Line",
        lines=_COST_LINES,
        read_only="TotalAmt HomeTotalAmt",
    ),
    Entity(
        "Transfer",
        "transaction",
        "transaction",
        filterable="TxnDate Amount",
        sortable="TxnDate Amount",
        can=_TRANSACTION,
        required="Amount FromAccountRef ToAccountRef",
    ),
    Entity(
        "TimeActivity",
        "transaction",
        "transaction",
        filterable="TxnDate CustomerRef VendorRef EmployeeRef",
        sortable="TxnDate",
        can=_TRANSACTION,
        required="NameOf",
    ),
    Entity(
        "RecurringTransaction",
        "transaction",
        "transaction",
        can="query read",
    ),
)

BY_NAME = {entity.name: entity for entity in ENTITIES}
BY_LOWER_NAME = {entity.path: entity for entity in ENTITIES}
