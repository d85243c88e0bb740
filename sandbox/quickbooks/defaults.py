"""The company an empty simulator starts with: preferences, accounts, terms, payment methods, tax codes. No customers,
no documents.

Belongs here: what QuickBooks itself sets up in a new company. Ids of the accounts everything else refers to (4
Undeposited Funds, 33 A/P, 84 A/R, 79 income) are those of Intuit's sandbox companies, so that clients with such Ids
written into them find their accounts. Multicurrency is off; the list of currencies and the euro's rate are there
nevertheless, because ej2/python-quickbooks (tests/integration, 0.9.12) finds them in its sandbox company.
"""

from decimal import Decimal
from typing import Any

_HOME = {"value": "USD", "name": "United States Dollar"}

_ACCOUNTS = (
    ("1", "Services", "Income", "ServiceFeeIncome"),
    ("2", "Retained Earnings", "Equity", "RetainedEarnings"),
    ("4", "Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ("7", "Advertising", "Expense", "AdvertisingPromotional"),
    ("8", "Bank Charges", "Expense", "BankCharges"),
    ("11", "Insurance", "Expense", "Insurance"),
    ("12", "Legal & Professional Fees", "Expense", "LegalProfessionalFees"),
    ("13", "Meals and Entertainment", "Expense", "EntertainmentMeals"),
    ("15", "Office Expenses", "Expense", "OfficeGeneralAdministrativeExpenses"),
    ("17", "Rent or Lease", "Expense", "RentOrLeaseOfBuildings"),
    ("24", "Utilities", "Expense", "Utilities"),
    ("30", "Uncategorized Income", "Income", "ServiceFeeIncome"),
    ("31", "Uncategorized Expense", "Expense", "OtherMiscellaneousServiceCost"),
    ("32", "Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets"),
    ("33", "Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ("34", "Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    ("35", "Checking", "Bank", "Checking"),
    ("36", "Savings", "Bank", "Savings"),
    ("41", "Mastercard", "Credit Card", "CreditCard"),
    ("42", "Visa", "Credit Card", "CreditCard"),
    ("79", "Sales of Product Income", "Income", "SalesOfProductIncome"),
    ("80", "Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ("81", "Inventory Asset", "Other Current Asset", "Inventory"),
    ("84", "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ("86", "Discounts given", "Income", "DiscountsRefundsGiven"),
    ("87", "Unapplied Cash Payment Income", "Income", "UnappliedCashPaymentIncome"),
    ("88", "Unapplied Cash Bill Payment Expense", "Expense", "UnappliedCashBillPaymentExpense"),
    ("89", "Arizona Dept. of Revenue Payable", "Other Current Liability", "GlobalTaxPayable"),
    ("90", "Board of Equalization Payable", "Other Current Liability", "GlobalTaxPayable"),
)

CLASSIFICATIONS = {
    "Bank": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Receivable": "Asset",
    "Equity": "Equity",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Long Term Liability": "Liability",
    "Other Current Liability": "Liability",
    "Income": "Revenue",
    "Other Income": "Revenue",
}

SUBTYPES = {
    "Bank": "CashOnHand",
    "Other Current Asset": "OtherCurrentAssets",
    "Fixed Asset": "FurnitureAndFixtures",
    "Other Asset": "OtherLongTermAssets",
    "Accounts Receivable": "AccountsReceivable",
    "Equity": "OpeningBalanceEquity",
    "Expense": "OtherMiscellaneousServiceCost",
    "Other Expense": "OtherMiscellaneousExpense",
    "Cost of Goods Sold": "SuppliesMaterialsCogs",
    "Accounts Payable": "AccountsPayable",
    "Credit Card": "CreditCard",
    "Long Term Liability": "OtherLongTermLiabilities",
    "Other Current Liability": "OtherCurrentLiabilities",
    "Income": "ServiceFeeIncome",
    "Other Income": "OtherMiscellaneousIncome",
}

_TERMS = (
    ("1", "Due on receipt", 0),
    ("2", "Net 15", 15),
    ("3", "Net 30", 30),
    ("4", "Net 60", 60),
    ("5", "Net 10", 10),
)

_TAX_RATES = (
    ("1", "AZ State tax", Decimal("7.1"), "1"),
    ("2", "Tucson City", 2, "1"),
    ("3", "California", 8, "2"),
)

_CURRENCIES = (
    ("1", "CAD", "Canadian Dollar"),
    ("2", "EUR", "Euro"),
)

_PAYMENT_METHODS = (
    ("1", "Cash", "NON_CREDIT_CARD"),
    ("2", "Check", "NON_CREDIT_CARD"),
    ("3", "Visa", "CREDIT_CARD"),
    ("4", "MasterCard", "CREDIT_CARD"),
    ("5", "American Express", "CREDIT_CARD"),
)


def account(id_: str, name: str, account_type: str, subtype: str, currency: dict[str, str] = _HOME) -> dict[str, Any]:
    """One top-level account with nothing on it."""
    return {
        "Name": name,
        "SubAccount": False,
        "FullyQualifiedName": name,
        "Active": True,
        "Classification": CLASSIFICATIONS[account_type],
        "AccountType": account_type,
        "AccountSubType": subtype,
        "CurrentBalance": 0,
        "CurrentBalanceWithSubAccounts": 0,
        "CurrencyRef": dict(currency),
        "domain": "QBO",
        "sparse": False,
        "Id": id_,
        "SyncToken": "0",
    }


def build_empty(now: str) -> dict[str, list[dict[str, Any]]]:
    """The objects of a new US company, by entity; `now` is their CreateTime and LastUpdatedTime."""
    common = {
        "domain": "QBO",
        "sparse": False,
        "SyncToken": "0",
        "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
    }
    address = {
        "Id": "1",
        "Line1": "123 Main Street",
        "City": "Springfield",
        "CountrySubDivisionCode": "CA",
        "PostalCode": "94043",
        "Country": "USA",
    }
    return {
        "CompanyInfo": [
            {
                "CompanyName": "Sandbox Company",
                "LegalName": "Sandbox Company",
                "CompanyAddr": address,
                "CustomerCommunicationAddr": address,
                "LegalAddr": address,
                "PrimaryPhone": {},
                "CompanyStartDate": now[:10],
                "FiscalYearStartMonth": "January",
                "Country": "US",
                "Email": {"Address": "owner@example.com"},
                "WebAddr": {},
                "SupportedLanguages": "en",
                "NameValue": [
                    {"Name": "NeoEnabled", "Value": "true"},
                    {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
                    {"Name": "SubscriptionStatus", "Value": "PAID"},
                ],
                "Id": "1",
                **common,
            }
        ],
        "Preferences": [
            {
                "AccountingInfoPrefs": {
                    "UseAccountNumbers": False,
                    "TrackDepartments": False,
                    "ClassTrackingPerTxn": False,
                    "ClassTrackingPerTxnLine": False,
                    "TaxYearMonth": "January",
                    "CustomerTerminology": "Customers",
                },
                "ProductAndServicesPrefs": {
                    "ForSales": True,
                    "ForPurchase": True,
                    "QuantityWithPriceAndRate": True,
                    "QuantityOnHand": True,
                },
                "SalesFormsPrefs": {
                    "CustomField": [],
                    "CustomTxnNumbers": False,
                    "AllowDeposit": False,
                    "AllowDiscount": True,
                    "DefaultDiscountAccount": "86",
                    "AllowEstimates": True,
                    "ETransactionEnabledStatus": "NotApplicable",
                    "AllowServiceDate": False,
                    "AllowShipping": False,
                    "AutoApplyCredit": False,
                    "AutoApplyPayments": False,
                    "DefaultTerms": {"value": "3"},
                    "DefaultCustomerMessage": "Thank you for your business and have a great day!",
                },
                "VendorAndPurchasesPrefs": {
                    "TrackingByCustomer": True,
                    "BillableExpenseTracking": True,
                    "POCustomField": [],
                },
                "TimeTrackingPrefs": {
                    "UseServices": True,
                    "BillCustomers": True,
                    "ShowBillRateToAll": False,
                    "WorkWeekStartDate": "Monday",
                },
                "TaxPrefs": {"UsingSalesTax": True, "TaxGroupCodeRef": {"value": "2"}},
                "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "USD"}},
                "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
                "EmailMessagesPrefs": {
                    f"{form}Message": {
                        "Subject": f"{form} from Sandbox Company",
                        "Message": "Thank you for your business.",
                    }
                    for form in ("Invoice", "Estimate", "SalesReceipt", "Statement")
                },
                "OtherPrefs": {
                    "NameValue": [
                        {"Name": "SalesFormsPrefs.DefaultCustomerMessage", "Value": "Thank you!"},
                        {"Name": "UncategorizedExpenseAccountId", "Value": "31"},
                    ]
                },
                "Id": "1",
                **common,
            }
        ],
        "Account": [{**account(*values), "MetaData": dict(common["MetaData"])} for values in _ACCOUNTS],
        "Term": [
            {"Name": name, "Active": True, "Type": "STANDARD", "DueDays": days, "DiscountDays": 0, "Id": id_, **common}
            for id_, name, days in _TERMS
        ],
        "PaymentMethod": [
            {"Name": name, "Active": True, "Type": kind, "Id": id_, **common} for id_, name, kind in _PAYMENT_METHODS
        ],
        "CompanyCurrency": [
            {"Code": code, "Name": name, "Active": True, "Id": id_, **common} for id_, code, name in _CURRENCIES
        ],
        "ExchangeRate": [
            {
                "SourceCurrencyCode": "EUR",
                "TargetCurrencyCode": "USD",
                "Rate": Decimal("1.1"),
                "AsOfDate": "2015-01-01",
                **common,
            }
        ],
        "TaxAgency": [
            {
                "DisplayName": name,
                "TaxTrackedOnPurchases": False,
                "TaxTrackedOnSales": True,
                "Id": id_,
                **common,
            }
            for id_, name in (("1", "Arizona Dept. of Revenue"), ("2", "Board of Equalization"))
        ],
        "TaxRate": [
            {
                "Name": name,
                "Description": "Sales Tax",
                "Active": True,
                "RateValue": percent,
                "AgencyRef": {"value": agency},
                "SpecialTaxType": "NONE",
                "DisplayType": "ReadOnly",
                "Id": id_,
                **common,
            }
            for id_, name, percent, agency in _TAX_RATES
        ],
        "TaxCode": [
            {
                "Name": "TAX",
                "Description": "Taxable",
                "Taxable": True,
                "TaxGroup": False,
                "Id": "TAX",
                "domain": "QBO",
                "sparse": False,
            },
            {
                "Name": "NON",
                "Description": "Nontaxable",
                "Taxable": False,
                "TaxGroup": False,
                "Id": "NON",
                "domain": "QBO",
                "sparse": False,
            },
            *(
                {
                    "Name": name,
                    "Description": name,
                    "Active": True,
                    "Taxable": True,
                    "TaxGroup": True,
                    "SalesTaxRateList": {
                        "TaxRateDetail": [
                            {"TaxRateRef": {"value": rate}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
                            for rate in rates
                        ]
                    },
                    "PurchaseTaxRateList": {"TaxRateDetail": []},
                    "Id": id_,
                    **common,
                }
                for id_, name, rates in (("2", "California", ("3",)), ("3", "Tucson", ("1", "2")))
            ),
        ],
    }
