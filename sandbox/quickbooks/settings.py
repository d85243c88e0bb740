"""The two singletons of a made-up company, CompanyInfo and Preferences: shapes only, as in shapes.py."""

from __future__ import annotations

from datetime import date

from sandbox.quickbooks.shapes import Wire, ref


def company_info(name: str, country: str, iso3: str, base: Wire, started: date) -> Wire:
    """CompanyInfo after the published sample, its addresses in the shape of late 2025 (ISO-3 country, no Lat/Long)."""
    place = {"Id": "1", "Line1": "1 Sample Lane", "City": "Testburg", "Country": iso3, "PostalCode": "90001"}
    return {
        "CompanyName": name,
        "LegalName": name,
        "CompanyAddr": place,
        "CustomerCommunicationAddr": place,
        "LegalAddr": place,
        "PrimaryPhone": {"FreeFormNumber": "(555) 555-0100"},
        "CompanyStartDate": started.isoformat(),
        "FiscalYearStartMonth": "January",
        "Country": country,
        "Email": {"Address": "books@example.com"},
        "WebAddr": {},
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "NeoEnabled", "Value": "true"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
            {"Name": "SubscriptionStatus", "Value": "PAID"},
        ],
        **base,
    }


def preferences(
    base: Wire,
    *,
    home_currency: str,
    is_multicurrency: bool,
    default_term_id: str,
    discount_account_id: str | None = None,
    uses_sales_tax: bool = False,
    uses_own_numbers: bool = False,
    custom_field_name: str | None = None,
) -> Wire:
    """Preferences with the groups that matter to a sync; all automatic application of money is off."""
    sales: Wire = {
        "CustomField": [],
        "CustomTxnNumbers": uses_own_numbers,
        "AllowDeposit": False,
        "AllowDiscount": discount_account_id is not None,
        "AllowEstimates": False,
        "AllowServiceDate": False,
        "AllowShipping": False,
        "AutoApplyCredit": False,
        "AutoApplyPayments": False,
        "DefaultTerms": ref(default_term_id),
    }
    if discount_account_id is not None:
        sales["DefaultDiscountAccount"] = discount_account_id
    if custom_field_name is not None:
        named = {"Name": "SalesFormsPrefs.SalesCustomName1", "Type": "StringType", "StringValue": custom_field_name}
        used = {"Name": "SalesFormsPrefs.UseSalesCustom1", "Type": "BooleanType", "BooleanValue": True}
        sales["CustomField"] = [{"CustomField": [used]}, {"CustomField": [named]}]
    return {
        "AccountingInfoPrefs": {
            "TrackDepartments": True,
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": True,
            "TaxYearMonth": "January",
            "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": True,
        },
        "SalesFormsPrefs": sales,
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True, "POCustomField": []},
        "TimeTrackingPrefs": {
            "UseServices": True,
            "BillCustomers": True,
            "ShowBillRateToAll": False,
            "WorkWeekStartDate": "Monday",
        },
        "TaxPrefs": {"UsingSalesTax": uses_sales_tax},
        "CurrencyPrefs": {"MultiCurrencyEnabled": is_multicurrency, "HomeCurrency": ref(home_currency)},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "EmailMessagesPrefs": {
            f"{form}Message": {"Subject": f"{form} of your supplier", "Message": "Thank you for your business."}
            for form in ("Invoice", "Estimate", "SalesReceipt", "Statement")
        },
        "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultCustomerMessage", "Value": "Thank you!"}]},
        **base,
    }
