"""The properties of every object QuickBooks knows, in the order of its XML, from Intuit's published schema (minor
version 75).

Data only: who checks bodies against it is `bodies.py`, who writes XML from it `xml.py`. A word is `Name` and a mark
for its kind: nothing text or an enumeration, `#` number, `?` boolean, `@` date, `~` time, `>` a reference, `=`
anything, `:Type` another entry here (`:` alone when the type has the same name); `*` at the end says that it repeats.
`+name` takes over another entry.
"""

SCHEMA = {
    "common": "Id SyncToken MetaData:ModificationMetaData CustomField:* AttachableRef:* domain status sparse?",
    "transaction": (
        "DocNumber TxnDate@ TxnSubType DepartmentRef> CurrencyRef> ExchangeRate# PrivateNote TxnStatus LinkedTxn:* "
        "Line:* TxnTaxDetail: TxnSource TaxFormType TaxFormNum TransactionLocationType Tag:* TxnApprovalInfo: "
        "RecurDataRef> RecurringInfo:"
    ),
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
    "Invoice": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AutoDocNumber? CustomerRef> "
        "CustomerMemo> BillAddr:PhysicalAddress ShipAddr:PhysicalAddress FreeFormAddress? "
        "ShipFromAddr:PhysicalAddress RemitToRef> ClassRef> SalesTermRef> DueDate@ SalesRepRef> PONumber FOB "
        "ShipMethodRef> ShipDate@ TrackingNum GlobalTaxCalculation TotalAmt# HomeTotalAmt# ApplyTaxAfterDiscount? "
        "ShippingTaxIncludedInTotalTax? TemplateRef> PrintStatus EmailStatus BillEmail:EmailAddress "
        "BillEmailCc:EmailAddress BillEmailBcc:EmailAddress ARAccountRef> Balance# HomeBalance# FinanceCharge? "
        "PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: CreditCardPayment: DepositToAccountRef> "
        "DeliveryInfo:TransactionDeliveryInfo DiscountRate# DiscountAmt# GovtTxnRefIdentifier TaxExemptionRef> "
        "Deposit# AllowIPNPayment? AllowOnlinePayment? AllowOnlineCreditCardPayment? AllowOnlineACHPayment? "
        "AllowOnlinePayPalPayment? AllowOnlineAffirmPayment? EInvoiceStatus ECloudStatusTimeStamp~ CfdiUse# "
        "Exportation GlobalInfo:MXGlobalInfo invoiceStatus callToAction invoiceStatusLog:StatusInfo* InvoiceEx= "
        "LessCIS# InvoiceLink PaymentDetailsMessage ConvenienceFeeDetail: EnabledSurchargeInfo: "
        "InvoiceLinkSecurityCode InvoiceLinkExpiryDate@ AutoPayEligible? SchedulePayEligible? ScheduledPaymentId "
        "GratuityEnabled? FinancingProductType SubscriptionPaymentsSetting TxnRetainageDetail:"
    ),
    "CreditMemo": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AutoDocNumber? CustomerRef> "
        "CustomerMemo> BillAddr:PhysicalAddress ShipAddr:PhysicalAddress FreeFormAddress? "
        "ShipFromAddr:PhysicalAddress RemitToRef> ClassRef> SalesTermRef> DueDate@ SalesRepRef> PONumber FOB "
        "ShipMethodRef> ShipDate@ TrackingNum GlobalTaxCalculation TotalAmt# HomeTotalAmt# ApplyTaxAfterDiscount? "
        "ShippingTaxIncludedInTotalTax? TemplateRef> PrintStatus EmailStatus BillEmail:EmailAddress "
        "BillEmailCc:EmailAddress BillEmailBcc:EmailAddress ARAccountRef> Balance# HomeBalance# FinanceCharge? "
        "PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: CreditCardPayment: DepositToAccountRef> "
        "DeliveryInfo:TransactionDeliveryInfo DiscountRate# DiscountAmt# GovtTxnRefIdentifier TaxExemptionRef> "
        "RemainingCredit# InvoiceRef> CreditMemoEx="
    ),
    "Payment": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# CustomerRef> RemitToRef> "
        "ARAccountRef> DepositToAccountRef> PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: "
        "CreditCardPayment: TotalAmt# UnappliedAmt# ProcessPayment? PaymentExtendedType PaymentEx="
    ),
    "Bill": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# VendorRef> APAccountRef> TotalAmt# "
        "BillEmail:EmailAddress ReplyEmail:EmailAddress Memo GlobalTaxCalculation PayerRef> SalesTermRef> DueDate@ "
        "RemitToAddr:PhysicalAddress ShipAddr:PhysicalAddress VendorAddr:PhysicalAddress Balance# HomeBalance# "
        "BillEx= LessCIS# IncludeInAnnualTPAR?"
    ),
    "VendorCredit": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# VendorRef> APAccountRef> TotalAmt# "
        "BillEmail:EmailAddress ReplyEmail:EmailAddress Memo GlobalTaxCalculation VendorAddr:PhysicalAddress "
        "VendorCreditEx= Balance# IncludeInAnnualTPAR?"
    ),
    "BillPayment": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# VendorRef> "
        "VendorAddr:PhysicalAddress APAccountRef> PayType CheckPayment:BillPaymentCheck "
        "CreditCardPayment:BillPaymentCreditCard TotalAmt# BillPaymentEx="
    ),
    "PurchaseOrder": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# VendorRef> APAccountRef> TotalAmt# "
        "BillEmail:EmailAddress ReplyEmail:EmailAddress Memo GlobalTaxCalculation TaxCodeRef> ClassRef> "
        "ReimbursableInfoRef> SalesTermRef> DueDate@ ExpectedDate@ VendorAddr:PhysicalAddress ShipTo> "
        "DropShipToEntity> InventorySiteRef> ShipAddr:PhysicalAddress ShipMethodRef> FOB POEmail:EmailAddress "
        "TemplateRef> PrintStatus EmailStatus ManuallyClosed? POStatus PurchaseOrderEx= FreeFormAddress?"
    ),
    "Term": (
        "+common Name Active? Type DiscountPercent# DueDays# DiscountDays# DayOfMonthDue# DueNextMonthDays# "
        "DiscountDayOfMonth# SalesTermEx="
    ),
    "PaymentMethod": "+common Name Active? Type PaymentMethodEx=",
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
    "Estimate": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AutoDocNumber? CustomerRef> "
        "CustomerMemo> BillAddr:PhysicalAddress ShipAddr:PhysicalAddress FreeFormAddress? "
        "ShipFromAddr:PhysicalAddress RemitToRef> ClassRef> SalesTermRef> DueDate@ SalesRepRef> PONumber FOB "
        "ShipMethodRef> ShipDate@ TrackingNum GlobalTaxCalculation TotalAmt# HomeTotalAmt# ApplyTaxAfterDiscount? "
        "ShippingTaxIncludedInTotalTax? TemplateRef> PrintStatus EmailStatus BillEmail:EmailAddress "
        "BillEmailCc:EmailAddress BillEmailBcc:EmailAddress ARAccountRef> Balance# HomeBalance# FinanceCharge? "
        "PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: CreditCardPayment: DepositToAccountRef> "
        "DeliveryInfo:TransactionDeliveryInfo DiscountRate# DiscountAmt# GovtTxnRefIdentifier TaxExemptionRef> "
        "ExpirationDate@ AcceptedBy AcceptedDate@ EstimateEx="
    ),
    "SalesReceipt": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AutoDocNumber? CustomerRef> "
        "CustomerMemo> BillAddr:PhysicalAddress ShipAddr:PhysicalAddress FreeFormAddress? "
        "ShipFromAddr:PhysicalAddress RemitToRef> ClassRef> SalesTermRef> DueDate@ SalesRepRef> PONumber FOB "
        "ShipMethodRef> ShipDate@ TrackingNum GlobalTaxCalculation TotalAmt# HomeTotalAmt# ApplyTaxAfterDiscount? "
        "ShippingTaxIncludedInTotalTax? TemplateRef> PrintStatus EmailStatus BillEmail:EmailAddress "
        "BillEmailCc:EmailAddress BillEmailBcc:EmailAddress ARAccountRef> Balance# HomeBalance# FinanceCharge? "
        "PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: CreditCardPayment: DepositToAccountRef> "
        "DeliveryInfo:TransactionDeliveryInfo DiscountRate# DiscountAmt# GovtTxnRefIdentifier TaxExemptionRef> "
        "SalesReceiptEx= LessCIS#"
    ),
    "RefundReceipt": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AutoDocNumber? CustomerRef> "
        "CustomerMemo> BillAddr:PhysicalAddress ShipAddr:PhysicalAddress FreeFormAddress? "
        "ShipFromAddr:PhysicalAddress RemitToRef> ClassRef> SalesTermRef> DueDate@ SalesRepRef> PONumber FOB "
        "ShipMethodRef> ShipDate@ TrackingNum GlobalTaxCalculation TotalAmt# HomeTotalAmt# ApplyTaxAfterDiscount? "
        "ShippingTaxIncludedInTotalTax? TemplateRef> PrintStatus EmailStatus BillEmail:EmailAddress "
        "BillEmailCc:EmailAddress BillEmailBcc:EmailAddress ARAccountRef> Balance# HomeBalance# FinanceCharge? "
        "PaymentMethodRef> PaymentRefNum PaymentType CheckPayment: CreditCardPayment: DepositToAccountRef> "
        "DeliveryInfo:TransactionDeliveryInfo DiscountRate# DiscountAmt# GovtTxnRefIdentifier TaxExemptionRef> "
        "RemainingCredit# RefundReceiptEx="
    ),
    "Deposit": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# DepositToAccountRef> "
        "CashBack:CashBackInfo GlobalTaxCalculation TotalAmt# HomeTotalAmt# DepositEx="
    ),
    "JournalEntry": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# Adjustment? HomeCurrencyAdjustment? "
        "EnteredInHomeCurrency? GlobalTaxCalculation TotalAmt# HomeTotalAmt# JournalEntryEx="
    ),
    "Purchase": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# AccountRef> PaymentMethodRef> "
        "PaymentRefNum PaymentType CheckPayment: CreditCardPayment: EntityRef> Credit? RemitToAddr:PhysicalAddress "
        "TotalAmt# Memo PrintStatus GlobalTaxCalculation PurchaseEx= LessCIS# IncludeInAnnualTPAR?"
    ),
    "Transfer": (
        "+common +transaction ProjectRef> TotalCostAmount# HomeTotalCostAmount# FromAccountRef> ToAccountRef> "
        "Amount# ClassRef> TransferEx="
    ),
    "CompanyCurrency": "+common Code Name Active? CompanyCurrencyEx=",
    "ExchangeRate": "+common SourceCurrencyCode TargetCurrencyCode Rate# AsOfDate@ ExchangeRateEx=",
    "Attachable": (
        "+common FileName FileAccessUri TempDownloadUri Size# ContentType Category Lat Long PlaceName Note Tag "
        "ThumbnailFileAccessUri ThumbnailTempDownloadUri AttachableEx= documentId"
    ),
    "TimeActivity": (
        "+common TimeZone TxnDate@ NameOf EmployeeRef> VendorRef> OtherNameRef> CustomerRef> DepartmentRef> "
        "ItemRef> ClassRef> PayrollItemRef> ProjectRef> TimeChargeId# BillableStatus Taxable? HourlyRate# CostRate# "
        "Hours# Minutes# Seconds# BreakHours# BreakMinutes# BreakSeconds# StartTime~ EndTime~ Description "
        "TimeActivityEx= HoursInEmployeeTimeZone?"
    ),
    "RecurringTransaction": "",
    "ModificationMetaData": (
        "CreatedByRef> CreateTime~ LastModifiedByRef> LastUpdatedTime~ LastChangedInQB~ Synchronized?"
    ),
    "CustomField": "DefinitionId Name Type StringValue BooleanValue? DateValue@ NumberValue#",
    "AttachableRef": "EntityRef> LineInfo IncludeOnSend? CustomField:* AttachableRefEx=",
    "TelephoneNumber": "Id DeviceType CountryCode AreaCode ExchangeCode Extension FreeFormNumber Default? Tag",
    "EmailAddress": "Id Address Default? Tag",
    "WebSiteAddress": "Id URI Default? Tag",
    "ContactInfo": (
        "Type Telephone:TelephoneNumber Email:EmailAddress WebSite:WebSiteAddress OtherContact:GenericContactType"
    ),
    "PhysicalAddress": (
        "Id Line1 Line2 Line3 Line4 Line5 City Country CountryCode County CountrySubDivisionCode PostalCode "
        "PostalCodeSuffix Lat Long Tag Note"
    ),
    "CreditChargeInfo": (
        "Number Type NameOnAcct CcExpiryMonth# CcExpiryYear# BillAddrStreet PostalCode CommercialCardCode CCTxnMode "
        "CCTxnType PrevCCTransId Amount# ProcessPayment? CreditCardChargeInfoEx="
    ),
    "JobInfo": "Status StartDate@ ProjectedEndDate@ EndDate@ Description JobTypeRef>",
    "IntuitAnyType": "any*",
    "VendorBankAccountDetail": "BankBranchIdentifier BankAccountNumber BankAccountName StatementText",
    "ItemGroupDetail": "ItemGroupLine:ItemComponentLine*",
    "ItemAssemblyDetail": "ItemAssemblyLine:ItemComponentLine*",
    "CustomExtensions": "ExtensionType AssociatedValues:CustomExtensionAssociatedValues*",
    "LinkedTxn": "TxnId TxnType TxnLineId",
    "Line": (
        "Id LineNum# Description Amount# Received# LinkedTxn:* DetailType PaymentLineDetail: DiscountLineDetail: "
        "TaxLineDetail: SalesItemLineDetail: DescriptionLineDetail: ItemBasedExpenseLineDetail: "
        "AccountBasedExpenseLineDetail: ReimburseLineDetail: DepositLineDetail: PurchaseOrderItemLineDetail: "
        "SalesOrderItemLineDetail: ItemReceiptLineDetail: JournalEntryLineDetail: GroupLineDetail: "
        "SubTotalLineDetail: TDSLineDetail: ItemAdjustmentLineDetail: CustomField:* LineEx= ProjectRef> CostAmount# "
        "HomeCostAmount# CustomExtensions:*"
    ),
    "TxnTaxDetail": ("DefaultTaxCodeRef> TxnTaxCodeRef> TotalTax# TaxReviewStatus TaxLine:Line* UseAutomatedSalesTax?"),
    "Tag": "+common Name",
    "TxnApprovalInfo": "ApprovalStatus ApprovalStatusDetail LastChangedByUser LastChangedDate~",
    "RecurringInfo": "Name RecurType Active? ScheduleInfo:RecurringScheduleInfo",
    "CheckPayment": "CheckNum Status NameOnAcct AcctNum BankName CheckPaymentEx=",
    "CreditCardPayment": "CreditChargeInfo: CreditChargeResponse:",
    "TransactionDeliveryInfo": "DeliveryType DeliveryTime~ DeliveryErrorType",
    "MXGlobalInfo": "Periodicity Month Year",
    "StatusInfo": "status statusDate@ callToAction",
    "ConvenienceFeeDetail": "+common ConvenienceFeeType ConvenienceFeePercent#",
    "EnabledSurchargeInfo": "Enabled? Card:SurchargePaymentMethodInfo ACH:SurchargePaymentMethodInfo",
    "TxnRetainageDetail": "RetainageAmount# RetainageOpenBalance#",
    "BillPaymentCheck": (
        "BankAccountRef> PrintStatus CheckDetail:CheckPayment PayeeAddr:PhysicalAddress BillPaymentCheckEx="
    ),
    "BillPaymentCreditCard": "CCAccountRef> CCDetail:CreditCardPayment BillPaymentCreditCardEx=",
    "TaxRateList": "TaxRateDetail:* originatingGroupId",
    "EffectiveTaxRate": "RateValue# EffectiveDate~ EndDate~ EffectiveTaxRateEx=",
    "NameValue": "Name Value",
    "CompanyAccountingPrefs": (
        "UseAccountNumbers? DefaultARAccount> DefaultAPAccount> RequiresAccounts? TrackDepartments? "
        "DepartmentTerminology ClassTrackingPerTxn? ClassTrackingPerTxnLine? AutoJournalEntryNumber? "
        "FirstMonthOfFiscalYear TaxYearMonth TaxForm BookCloseDate@ OtherContactInfo:ContactInfo* "
        "CustomerTerminology"
    ),
    "AdvancedInventoryPrefs": (
        "MLIAvailable? MLIEnabled? EnhancedInventoryReceivingEnabled? TrackingSerialOrLotNumber? "
        "TrackingOnSalesTransactionsEnabled? TrackingOnPurchaseTransactionsEnabled? "
        "TrackingOnInventoryAdjustmentEnabled? TrackingOnBuildAssemblyEnabled? FIFOEnabled? FIFOEffectiveDate@ "
        "RowShelfBinEnabled? BarcodeEnabled?"
    ),
    "ProductAndServicesPrefs": (
        "ForSales? ForPurchase? InventoryAndPurchaseOrder? QuantityWithPriceAndRate? QuantityOnHand? UOM "
        "RevenueRecognition? RevenueRecognitionFrequency"
    ),
    "SalesFormsPrefs": (
        "UsingProgressInvoicing? CustomField:CustomFieldDefinition* CustomTxnNumbers? DelayedCharges? "
        "SalesEmailCc:EmailAddress SalesEmailBcc:EmailAddress EmailCopyToCompany? AllowDeposit? AllowDiscount? "
        "DefaultDiscountAccount AllowEstimates? EstimateMessage ETransactionEnabledStatus ETransactionAttachPDF? "
        "ETransactionPaymentEnabled? IPNSupportEnabled? InvoiceMessage AllowServiceDate? AllowShipping? "
        "DefaultShippingAccount DefaultItem> DefaultTerms> DefaultDeliveryMethod AutoApplyCredit? "
        "AutoApplyPayments? PrintItemWithZeroAmount? DefaultShipMethodRef> DefaultMarkup# "
        "TrackReimbursableExpensesAsIncome? UsingSalesOrders? UsingPriceLevels? DefaultFOB DefaultCustomerMessage"
    ),
    "EmailMessagesPrefs": (
        "NameValue:* InvoiceMessage:EmailMessage EstimateMessage:EmailMessage SalesReceiptMessage:EmailMessage "
        "StatementMessage:EmailMessage"
    ),
    "PrintDocumentPrefs": "NameValue:*",
    "VendorAndPurchasesPrefs": (
        "EnableBills? TrackingByCustomer? BillableExpenseTracking? DefaultTerms> DefaultMarkup# "
        "DefaultMarkupAccount> AutomaticBillPayment? TPAREnabled? POCustomField:CustomFieldDefinition* MsgToVendors "
        "UsingInventory? UsingMultiLocationInventory? DaysBillsAreDue# DiscountAccountRef>"
    ),
    "TimeTrackingPrefs": (
        "UseServices? DefaultTimeItem> BillCustomers? ShowBillRateToAll? WorkWeekStartDate TimeTrackingEnabled? "
        "MarkTimeEntriesBillable? MarkExpensesAsBillable?"
    ),
    "TaxPrefs": (
        "UsingSalesTax? PartnerTaxEnabled? HideTaxManagement? TaxGroupCodeRef> TaxRateRef> PaySalesTax "
        "NonTaxableSalesTaxCodeRef> TaxableSalesTaxCodeRef>"
    ),
    "FinanceChargePrefs": (
        "AnnualInterestRate# MinFinChrg# GracePeriod# CalcFinChrgFromTxnDate? AssessFinChrgForOverdueCharges? "
        "FinChrgAccountRef>"
    ),
    "CurrencyPrefs": "MultiCurrencyEnabled? HomeCurrency>",
    "ReportPrefs": "ReportBasis CalcAgingReportFromTxnDate?",
    "OtherPrefs": "NameValue:*",
    "CashBackInfo": "AccountRef> Amount# Memo",
    "GenericContactType": "Id Name Value Type Default? Tag",
    "ItemComponentLine": "ItemRef> Qty# UOMRef:",
    "CustomExtensionAssociatedValues": "Key Value",
    "PaymentLineDetail": (
        "ItemRef> ServiceDate@ ClassRef> Balance# HomeBalance# Discount:DiscountOverride PaymentLineEx="
    ),
    "DiscountLineDetail": (
        "DiscountRef> PercentBased? DiscountPercent# DiscountAccountRef> ServiceDate@ ClassRef> TaxCodeRef> "
        "DiscountLineDetailEx="
    ),
    "TaxLineDetail": (
        "TaxRateRef> PercentBased? TaxPercent# NetAmountTaxable# TaxInclusiveAmount# OverrideDeltaAmount# "
        "ServiceDate@ TaxLineDetailEx="
    ),
    "SalesItemLineDetail": (
        "ItemRef> ClassRef> UnitPrice# UnitCostPrice# RatePercent# PriceLevelRef> MarkupInfo: Qty# UOMRef: "
        "ItemAccountRef> InventorySiteRef> TaxCodeRef> TaxClassificationRef> ServiceDate@ TaxInclusiveAmt# "
        "DiscountRate# DiscountAmt# DeferredRevenue? RetainageAmount# SalesItemLineDetailEx="
    ),
    "DescriptionLineDetail": "ServiceDate@ TaxCodeRef> DescriptionLineDetailEx=",
    "ItemBasedExpenseLineDetail": (
        "ItemRef> ClassRef> UnitPrice# UnitCostPrice# RatePercent# PriceLevelRef> MarkupInfo: Qty# UOMRef: "
        "ItemAccountRef> InventorySiteRef> TaxCodeRef> TaxClassificationRef> CustomerRef> BillableStatus "
        "TaxInclusiveAmt# ItemBasedExpenseLineDetailEx="
    ),
    "AccountBasedExpenseLineDetail": (
        "CustomerRef> ClassRef> AccountRef> BillableStatus MarkupInfo: TaxAmount# TaxCodeRef> TaxInclusiveAmt# "
        "ExpenseDetailLineDetailEx="
    ),
    "ReimburseLineDetail": (
        "ItemRef> ClassRef> UnitPrice# UnitCostPrice# RatePercent# PriceLevelRef> MarkupInfo: Qty# UOMRef: "
        "ItemAccountRef> InventorySiteRef> TaxCodeRef> TaxClassificationRef>"
    ),
    "DepositLineDetail": (
        "Entity> ClassRef> AccountRef> PaymentMethodRef> CheckNum TxnType TaxCodeRef> TaxApplicableOn "
        "DepositLineDetailEx="
    ),
    "PurchaseOrderItemLineDetail": (
        "ItemRef> ClassRef> UnitPrice# UnitCostPrice# RatePercent# PriceLevelRef> MarkupInfo: Qty# UOMRef: "
        "ItemAccountRef> InventorySiteRef> TaxCodeRef> TaxClassificationRef> ServiceDate@ TaxInclusiveAmt# "
        "DiscountRate# DiscountAmt# DeferredRevenue? RetainageAmount# SalesItemLineDetailEx= ManPartNum "
        "ManuallyClosed? OpenQty# PurchaseOrderItemLineDetailEx="
    ),
    "SalesOrderItemLineDetail": (
        "ItemRef> ClassRef> UnitPrice# UnitCostPrice# RatePercent# PriceLevelRef> MarkupInfo: Qty# UOMRef: "
        "ItemAccountRef> InventorySiteRef> TaxCodeRef> TaxClassificationRef> ServiceDate@ TaxInclusiveAmt# "
        "DiscountRate# DiscountAmt# DeferredRevenue? RetainageAmount# SalesItemLineDetailEx= ManuallyClosed?"
    ),
    "ItemReceiptLineDetail": "ItemReceiptLineDetailEx=",
    "JournalEntryLineDetail": (
        "PostingType Entity:EntityTypeRef AccountRef> ClassRef> DepartmentRef> TaxCodeRef> TaxRateRef> "
        "TaxApplicableOn TaxAmount# TaxInclusiveAmt# BillableStatus JournalCodeRef> JournalEntryLineDetailEx="
    ),
    "GroupLineDetail": "GroupItemRef> Quantity# UOMRef: ServiceDate@ Line:* GroupLineDetailEx=",
    "SubTotalLineDetail": "ItemRef> ServiceDate@",
    "TDSLineDetail": "TDSAccountRef> TDSSectionTypeId# TDSLineDetailEx=",
    "ItemAdjustmentLineDetail": "ItemRef> SalesPrice# QtyDiff# NewQty# ClassRef>",
    "RecurringScheduleInfo": (
        "IntervalType NumInterval# DayOfMonth# DayOfWeek WeekOfMonth# MonthOfYear RemindDays# DaysBefore# "
        "MaxOccurrences# StartDate@ EndDate@ NextDate@ PreviousDate@"
    ),
    "CreditChargeResponse": (
        "CCProcessor CCTransId Status ResultCode# ResultMsg MerchantAcctNum CardSecurityCodeMatch AuthCode "
        "AvsStreet AvsZip SecurityCode ReconBatchId PaymentGroupingCode# TxnAuthorizationTime~ "
        "TxnAuthorizationStamp# ClientTransID CreditChargeResponseEx="
    ),
    "SurchargePaymentMethodInfo": "Enabled?",
    "TaxRateDetail": "TaxRateRef> TaxTypeApplicable TaxOrder# TaxOnTaxOrder#",
    "CustomFieldDefinition": "+common EntityType Name Hidden? Required? AppId",
    "EmailMessage": "Subject Message",
    "UOMRef": "Unit UOMSetRef>",
    "DiscountOverride": "DiscountRef> PercentBased? DiscountPercent# DiscountAccountRef>",
    "MarkupInfo": "PercentBased? Value# Percent# PriceLevelRef> MarkUpIncomeAccountRef>",
    "EntityTypeRef": "Type EntityRef>",
}
