"""The properties of the objects inside others: addresses, lines, details, preferences.

Data only; `properties/__init__.py` says how it is written.
"""

PARTS = {
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
