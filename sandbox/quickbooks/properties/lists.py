"""The properties of lists and of the company itself.

Data only; `properties/__init__.py` says how it is written.
"""

LISTS = {
    "Customer": (
        "+common IntuitId Organization? Title GivenName MiddleName FamilyName Suffix FullyQualifiedName CompanyName "
        "DisplayName PrintOnCheckName UserId Active? V4IDPseudonym PrimaryPhone:TelephoneNumber "
        "AlternatePhone:TelephoneNumber Mobile:TelephoneNumber Fax:TelephoneNumber PrimaryEmailAddr:EmailAddress "
        "WebAddr:WebSiteAddress OtherContactInfo:ContactInfo* DefaultTaxCodeRef> Taxable? BillAddr:PhysicalAddress "
        "ShipAddr:PhysicalAddress OtherAddr:PhysicalAddress* ContactName AltContactName Notes Job? BillWithParent? "
        "RootCustomerRef> ParentRef> Level# CustomerTypeRef> SalesTermRef> SalesRepRef> TaxGroupCodeRef> "
        "TaxRateRef> PaymentMethodRef> CCDetail:CreditChargeInfo PriceLevelRef> Balance# OpenBalanceDate@ "
        "BalanceWithJobs# CreditLimit# AcctNum CurrencyRef> OverDueBalance# TotalRevenue# TotalExpense# "
        "PreferredDeliveryMethod ResaleNum JobInfo: TDSEnabled? CustomerEx= SecondaryTaxIdentifier ARAccountRef> "
        "PrimaryTaxIdentifier TaxExemptionReasonId IsProject? BusinessNumber GSTIN GSTRegistrationType "
        "IsCISContractor? ClientCompanyId ClientEntityId Source TaxRegime"
    ),
    "Vendor": (
        "+common IntuitId Organization? Title GivenName MiddleName FamilyName Suffix FullyQualifiedName CompanyName "
        "DisplayName PrintOnCheckName UserId Active? V4IDPseudonym PrimaryPhone:TelephoneNumber "
        "AlternatePhone:TelephoneNumber Mobile:TelephoneNumber Fax:TelephoneNumber PrimaryEmailAddr:EmailAddress "
        "WebAddr:WebSiteAddress OtherContactInfo:ContactInfo* DefaultTaxCodeRef> ContactName AltContactName Notes "
        "BillAddr:PhysicalAddress ShipAddr:PhysicalAddress OtherAddr:PhysicalAddress* TaxCountry TaxIdentifier "
        "TaxIdEffectiveDate@ BusinessNumber ParentRef> VendorTypeRef> TermRef> PrefillAccountRef> Balance# "
        "BillRate# OpenBalanceDate@ CreditLimit# AcctNum Vendor1099? T4AEligible? T5018Eligible? CurrencyRef> "
        "TDSEnabled? TDSEntityTypeId# TDSSectionTypeId# TDSOverrideThreshold? TaxReportingBasis APAccountRef> "
        "VendorEx= GSTIN GSTRegistrationType IsSubContractor? SubcontractorType CISRate HasTPAR? "
        "VendorPaymentBankDetail:VendorBankAccountDetail Source CostRate# AgencyVerificationStatus "
        "AgencyVerificationStatusMsg AgencyVerificationTSUTC~ CompanyRegistrationNumber ClientEntityId"
    ),
    "Item": (
        "+common Name Sku Description Active? SubItem? ParentRef> Level# FullyQualifiedName Taxable? "
        "SalesTaxIncluded? PercentBased? UnitPrice# RatePercent# Type PaymentMethodRef> UOMSetRef> "
        "IncomeAccountRef> PurchaseDesc PurchaseTaxIncluded? PurchaseCost# ExpenseAccountRef> COGSAccountRef> "
        "AssetAccountRef> PrefVendorRef> AvgCost# TrackQtyOnHand? QtyOnHand# QtyOnPurchaseOrder# QtyOnSalesOrder# "
        "ReorderPoint# ManPartNum DepositToAccountRef> SalesTaxCodeRef> PurchaseTaxCodeRef> InvStartDate@ "
        "BuildPoint# PrintGroupedItems? SpecialItem? SpecialItemType ItemGroupDetail: ItemAssemblyDetail: "
        "AbatementRate# ReverseChargeRate# ServiceType ItemCategoryType ItemEx= TaxClassificationRef> "
        "UQCDisplayText UQCId ClassRef> Source DeferredRevenue? CustomExtensions:*"
    ),
    "Account": (
        "+common Name SubAccount? ParentRef> Description FullyQualifiedName AccountAlias TxnLocationType Active? "
        "Classification AccountType AccountSubType AccountPurposes>* AcctNum AcctNumExtn BankNum OpeningBalance# "
        "OpeningBalanceDate@ CurrentBalance# CurrentBalanceWithSubAccounts# CurrencyRef> TaxAccount? TaxCodeRef> "
        "OnlineBankingEnabled? FIName JournalCodeRef> AccountEx="
    ),
    "Term": (
        "+common Name Active? Type DiscountPercent# DueDays# DiscountDays# DayOfMonthDue# DueNextMonthDays# "
        "DiscountDayOfMonth# SalesTermEx="
    ),
    "PaymentMethod": "+common Name Active? Type PaymentMethodEx=",
    "CustomerType": "+common Name ParentRef> Active? CustomerTypeEx=",
    "Budget": "+common Name StartDate@ EndDate@ BudgetType BudgetEntryType Active? BudgetDetail:* BudgetEx=",
    "BudgetDetail": "BudgetDate@ Amount# AccountRef> CustomerRef> ClassRef> DepartmentRef> BudgetDetailEx=",
    "TaxCode": (
        "+common Name Description Active? Hidden? Taxable? TaxGroup? SalesTaxRateList:TaxRateList "
        "PurchaseTaxRateList:TaxRateList AdjustmentTaxRateList:TaxRateList TaxCodeEx= TaxCodeConfigType"
    ),
    "TaxRate": (
        "+common Name Description Active? RateValue# AgencyRef> TaxReturnLineRef> EffectiveTaxRate:* SpecialTaxType "
        "DisplayType TaxRateEx= OriginalTaxRate>"
    ),
    "TaxAgency": (
        "+common IntuitId Organization? Title GivenName MiddleName FamilyName Suffix FullyQualifiedName CompanyName "
        "DisplayName PrintOnCheckName UserId Active? V4IDPseudonym PrimaryPhone:TelephoneNumber "
        "AlternatePhone:TelephoneNumber Mobile:TelephoneNumber Fax:TelephoneNumber PrimaryEmailAddr:EmailAddress "
        "WebAddr:WebSiteAddress OtherContactInfo:ContactInfo* DefaultTaxCodeRef> ContactName AltContactName Notes "
        "BillAddr:PhysicalAddress ShipAddr:PhysicalAddress OtherAddr:PhysicalAddress* TaxCountry TaxIdentifier "
        "TaxIdEffectiveDate@ BusinessNumber ParentRef> VendorTypeRef> TermRef> PrefillAccountRef> Balance# "
        "BillRate# OpenBalanceDate@ CreditLimit# AcctNum Vendor1099? T4AEligible? T5018Eligible? CurrencyRef> "
        "TDSEnabled? TDSEntityTypeId# TDSSectionTypeId# TDSOverrideThreshold? TaxReportingBasis APAccountRef> "
        "VendorEx= GSTIN GSTRegistrationType IsSubContractor? SubcontractorType CISRate HasTPAR? "
        "VendorPaymentBankDetail:VendorBankAccountDetail Source CostRate# AgencyVerificationStatus "
        "AgencyVerificationStatusMsg AgencyVerificationTSUTC~ CompanyRegistrationNumber SalesTaxCodeRef> "
        "SalesTaxCountry SalesTaxReturnRef> TaxRegistrationNumber ReportingPeriod TaxTrackedOnPurchases? "
        "TaxOnPurchasesAccountRef> TaxTrackedOnSales? TaxTrackedOnSalesAccountRef> TaxOnTax? LastFileDate@ "
        "TaxAgencyExt= TaxAgencyConfig"
    ),
    "CompanyInfo": (
        "+common CompanyName LegalName CompanyAddr:PhysicalAddress CustomerCommunicationAddr:PhysicalAddress "
        "LegalAddr:PhysicalAddress CompanyEmailAddr:EmailAddress CustomerCommunicationEmailAddr:EmailAddress "
        "CompanyURL:WebSiteAddress PrimaryPhone:TelephoneNumber OtherContactInfo:ContactInfo* CompanyFileName "
        "FlavorStratum SampleFile? CompanyUserId CompanyUserAdminEmail CompanyStartDate@ EmployerId "
        "FiscalYearStartMonth TaxYearStartMonth QBVersion Country ShipAddr:PhysicalAddress "
        "OtherAddr:PhysicalAddress* Mobile:TelephoneNumber Fax:TelephoneNumber Email:EmailAddress "
        "WebAddr:WebSiteAddress LastImportedTime~ LastSyncTime~ SupportedLanguages DefaultTimeZone "
        "MultiByteCharsSupported? NameValue:* FifoCalculationStatus CompanyInfoEx="
    ),
    "Preferences": (
        "+common AccountingInfoPrefs:CompanyAccountingPrefs AdvancedInventoryPrefs: ProductAndServicesPrefs: "
        "SalesFormsPrefs: EmailMessagesPrefs: PrintDocumentPrefs: VendorAndPurchasesPrefs: TimeTrackingPrefs: "
        "TaxPrefs: FinanceChargesPrefs:FinanceChargePrefs CurrencyPrefs: ReportPrefs: OtherPrefs:"
    ),
    "Class": "+common Name SubClass? ParentRef> FullyQualifiedName Active? ClassEx=",
    "Department": (
        "+common Name SubDepartment? ParentRef> FullyQualifiedName Active? DepartmentEx= Address:PhysicalAddress"
    ),
    "Employee": (
        "+common IntuitId Organization? Title GivenName MiddleName FamilyName Suffix FullyQualifiedName CompanyName "
        "DisplayName PrintOnCheckName UserId Active? V4IDPseudonym PrimaryPhone:TelephoneNumber "
        "AlternatePhone:TelephoneNumber Mobile:TelephoneNumber Fax:TelephoneNumber PrimaryEmailAddr:EmailAddress "
        "WebAddr:WebSiteAddress OtherContactInfo:ContactInfo* DefaultTaxCodeRef> EmployeeType EmployeeNumber SSN "
        "PrimaryAddr:PhysicalAddress OtherAddr:PhysicalAddress* BillableTime? BillRate# BirthDate@ Gender "
        "HiredDate@ ReleasedDate@ UseTimeEntry EmployeeEx= CostRate# Notes"
    ),
    "CompanyCurrency": "+common Code Name Active? CompanyCurrencyEx=",
    "ExchangeRate": "+common SourceCurrencyCode TargetCurrencyCode Rate# AsOfDate@ ExchangeRateEx=",
    "Attachable": (
        "+common FileName FileAccessUri TempDownloadUri Size# ContentType Category Lat Long PlaceName Note Tag "
        "ThumbnailFileAccessUri ThumbnailTempDownloadUri AttachableEx= documentId"
    ),
}
