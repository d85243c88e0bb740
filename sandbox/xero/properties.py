"""The properties of Xero's types: what a body may hold, what can be filtered and sorted by, how XML is to be read.

Belongs here: names and kinds, from the published OpenAPI description (version 16.1.0) and nothing else. What a property
means is where it is used. A kind is text, guid, number, integer, boolean, day, time, the name of another type, or
[Type] for a list of it.
"""


def _properties(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


TYPES: dict[str, dict[str, str]] = {
    "Contact": _properties(
        """
        ContactID:guid MergedToContactID:guid ContactNumber:text AccountNumber:text ContactStatus:text
        Name:text FirstName:text LastName:text CompanyNumber:text EmailAddress:text
        ContactPersons:[ContactPerson] BankAccountDetails:text TaxNumber:text TaxNumberType:text
        AccountsReceivableTaxType:text AccountsPayableTaxType:text Addresses:[Address] Phones:[Phone]
        IsSupplier:boolean IsCustomer:boolean SalesDefaultLineAmountType:text
        PurchasesDefaultLineAmountType:text DefaultCurrency:text XeroNetworkKey:text
        SalesDefaultAccountCode:text PurchasesDefaultAccountCode:text
        SalesTrackingCategories:[SalesTrackingCategory]
        PurchasesTrackingCategories:[SalesTrackingCategory] TrackingCategoryName:text
        TrackingCategoryOption:text PaymentTerms:PaymentTerm UpdatedDateUTC:time Website:text
        BatchPayments:BatchPaymentDetails Discount:number Balances:Balances HasAttachments:boolean
        """
    ),
    "Item": _properties(
        """
        Code:text InventoryAssetAccountCode:text Name:text IsSold:boolean IsPurchased:boolean
        Description:text PurchaseDescription:text PurchaseDetails:Purchase SalesDetails:Purchase
        IsTrackedAsInventory:boolean TotalCostPool:number QuantityOnHand:number UpdatedDateUTC:time
        ItemID:guid
        """
    ),
    "Invoice": _properties(
        """
        Type:text Contact:Contact LineItems:[LineItem] Date:day DueDate:day LineAmountTypes:text
        InvoiceNumber:text Reference:text BrandingThemeID:guid Url:text CurrencyCode:text
        CurrencyRate:number Status:text SentToContact:boolean ExpectedPaymentDate:day
        PlannedPaymentDate:day CISDeduction:number CISRate:number SubTotal:number TotalTax:number
        Total:number TotalDiscount:number InvoiceID:guid RepeatingInvoiceID:guid HasAttachments:boolean
        IsDiscounted:boolean Payments:[Payment] Prepayments:[Prepayment] Overpayments:[Overpayment]
        AmountDue:number AmountPaid:number FullyPaidOnDate:day AmountCredited:number UpdatedDateUTC:time
        UpdatedDateUTCString:text CreditNotes:[CreditNote]
        """
    ),
    "CreditNote": _properties(
        """
        Type:text Contact:Contact Date:day DueDate:day Status:text LineAmountTypes:text
        LineItems:[LineItem] SubTotal:number TotalTax:number Total:number CISDeduction:number
        CISRate:number UpdatedDateUTC:time UpdatedDateUTCString:text CurrencyCode:text
        FullyPaidOnDate:day CreditNoteID:guid CreditNoteNumber:text Reference:text SentToContact:boolean
        CurrencyRate:number RemainingCredit:number Allocations:[Allocation] AppliedAmount:number
        Payments:[Payment] BrandingThemeID:guid HasAttachments:boolean
        """
    ),
    "Allocation": _properties(
        """
        AllocationID:guid Invoice:Invoice Overpayment:Overpayment Prepayment:Prepayment
        CreditNote:CreditNote Amount:number Date:day IsDeleted:boolean
        """
    ),
    "Payment": _properties(
        """
        Invoice:Invoice CreditNote:CreditNote Prepayment:Prepayment Overpayment:Overpayment
        InvoiceNumber:text CreditNoteNumber:text BatchPayment:BatchPayment Account:Account Code:text
        Date:day CurrencyRate:number Amount:number BankAmount:number Reference:text IsReconciled:boolean
        Status:text PaymentType:text UpdatedDateUTC:time UpdatedDateUTCString:text PaymentID:guid
        BatchPaymentID:guid BankAccountNumber:text Particulars:text Details:text HasAccount:boolean
        """
    ),
    "BatchPayment": _properties(
        """
        Account:Account Reference:text Particulars:text Code:text Details:text Narrative:text
        BatchPaymentID:guid DateString:text Date:day Amount:number Payments:[Payment] Type:text
        Status:text TotalAmount:number UpdatedDateUTC:time IsReconciled:boolean
        """
    ),
    "Overpayment": _properties(
        """
        Type:text Contact:Contact Date:day Status:text LineAmountTypes:text LineItems:[LineItem]
        SubTotal:number TotalTax:number Total:number UpdatedDateUTC:time UpdatedDateUTCString:text
        CurrencyCode:text OverpaymentID:guid CurrencyRate:number RemainingCredit:number
        Allocations:[Allocation] AppliedAmount:number Payments:[Payment] HasAttachments:boolean
        Reference:text
        """
    ),
    "Prepayment": _properties(
        """
        Type:text Contact:Contact Date:day Status:text LineAmountTypes:text LineItems:[LineItem]
        SubTotal:number TotalTax:number Total:number Reference:text InvoiceNumber:text
        UpdatedDateUTC:time UpdatedDateUTCString:text CurrencyCode:text PrepaymentID:guid
        BrandingThemeID:guid CurrencyRate:number RemainingCredit:number Allocations:[Allocation]
        Payments:[Payment] AppliedAmount:number HasAttachments:boolean
        """
    ),
    "BankTransaction": _properties(
        """
        Type:text Contact:Contact LineItems:[LineItem] BankAccount:Account IsReconciled:boolean Date:day
        Reference:text CurrencyCode:text CurrencyRate:number Url:text Status:text LineAmountTypes:text
        SubTotal:number TotalTax:number Total:number BankTransactionID:guid PrepaymentID:guid
        OverpaymentID:guid UpdatedDateUTC:time HasAttachments:boolean
        """
    ),
    "PurchaseOrder": _properties(
        """
        Contact:Contact LineItems:[LineItem] Date:day DeliveryDate:day LineAmountTypes:text
        PurchaseOrderNumber:text Reference:text BrandingThemeID:guid CurrencyCode:text Status:text
        SentToContact:boolean DeliveryAddress:text AttentionTo:text Telephone:text
        DeliveryInstructions:text ExpectedArrivalDate:day PurchaseOrderID:guid CurrencyRate:number
        SubTotal:number TotalTax:number Total:number TotalDiscount:number HasAttachments:boolean
        UpdatedDateUTC:time
        """
    ),
    "Account": _properties(
        """
        Code:text Name:text AccountID:guid Type:text BankAccountNumber:text Status:text Description:text
        BankAccountType:text CurrencyCode:text TaxType:text EnablePaymentsToAccount:boolean
        ShowInExpenseClaims:boolean Class:text SystemAccount:text ReportingCode:text
        ReportingCodeName:text HasAttachments:boolean UpdatedDateUTC:time AddToWatchlist:boolean
        """
    ),
    "TaxRate": _properties(
        """
        Name:text TaxType:text TaxComponents:[TaxComponent] Status:text ReportTaxType:text
        CanApplyToAssets:boolean CanApplyToEquity:boolean CanApplyToExpenses:boolean
        CanApplyToLiabilities:boolean CanApplyToRevenue:boolean DisplayTaxRate:number
        EffectiveRate:number
        """
    ),
    "Currency": _properties(
        """
        Code:text Description:text
        """
    ),
    "Organisation": _properties(
        """
        OrganisationID:guid APIKey:text Name:text LegalName:text PaysTax:boolean Version:text
        OrganisationType:text BaseCurrency:text CountryCode:text IsDemoCompany:boolean
        OrganisationStatus:text RegistrationNumber:text EmployerIdentificationNumber:text TaxNumber:text
        FinancialYearEndDay:integer FinancialYearEndMonth:integer SalesTaxBasis:text SalesTaxPeriod:text
        DefaultSalesTax:text DefaultPurchasesTax:text PeriodLockDate:day EndOfYearLockDate:day
        CreatedDateUTC:time Timezone:text OrganisationEntityType:text ShortCode:text Class:text
        Edition:text LineOfBusiness:text Addresses:[Address] Phones:[Phone] PaymentTerms:PaymentTerm
        """
    ),
    "TrackingCategory": _properties(
        """
        TrackingCategoryID:guid TrackingOptionID:guid Name:text Option:text Status:text
        Options:[TrackingOption]
        """
    ),
    "HistoryRecord": _properties(
        """
        Details:text Changes:text User:text DateUTC:time
        """
    ),
    "Address": _properties(
        """
        AddressType:text AddressLine1:text AddressLine2:text AddressLine3:text AddressLine4:text
        City:text Region:text PostalCode:text Country:text AttentionTo:text
        """
    ),
    "Phone": _properties(
        """
        PhoneType:text PhoneNumber:text PhoneAreaCode:text PhoneCountryCode:text
        """
    ),
    "ContactPerson": _properties(
        """
        FirstName:text LastName:text EmailAddress:text IncludeInEmails:boolean
        """
    ),
    "PaymentTerm": _properties(
        """
        Bills:Bill Sales:Bill
        """
    ),
    "Bill": _properties(
        """
        Day:integer Type:text
        """
    ),
    "Purchase": _properties(
        """
        UnitPrice:number AccountCode:text COGSAccountCode:text TaxType:text
        """
    ),
    "LineItem": _properties(
        """
        LineItemID:guid Description:text Quantity:number UnitAmount:number ItemCode:text
        AccountCode:text AccountID:guid TaxType:text TaxAmount:number Item:LineItemItem
        LineAmount:number Tracking:[LineItemTracking] DiscountRate:number DiscountAmount:number
        RepeatingInvoiceID:guid Taxability:text SalesTaxCodeId:number
        """
    ),
    "LineItemTracking": _properties(
        """
        TrackingCategoryID:guid TrackingOptionID:guid Name:text Option:text
        """
    ),
    "TaxComponent": _properties(
        """
        Name:text Rate:number IsCompound:boolean IsNonRecoverable:boolean
        """
    ),
    "TrackingOption": _properties(
        """
        TrackingOptionID:guid Name:text Status:text TrackingCategoryID:guid
        """
    ),
    "LineItemItem": _properties(
        """
        Code:text Name:text ItemID:guid
        """
    ),
    "BatchPaymentDetails": _properties(
        """
        BankAccountNumber:text BankAccountName:text Details:text Code:text Reference:text
        """
    ),
    "SalesTrackingCategory": _properties(
        """
        TrackingCategoryName:text TrackingOptionName:text
        """
    ),
    "Balances": _properties(
        """
        """
    ),
}
