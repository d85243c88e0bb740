"""The properties of transactions, and what all objects and all transactions have.

Data only; `properties/__init__.py` says how it is written.
"""

TRANSACTIONS = {
    "common": "Id SyncToken MetaData:ModificationMetaData CustomField:* AttachableRef:* domain status sparse?",
    "transaction": (
        "DocNumber TxnDate@ TxnSubType DepartmentRef> CurrencyRef> ExchangeRate# PrivateNote TxnStatus LinkedTxn:* "
        "Line:* TxnTaxDetail: TxnSource TaxFormType TaxFormNum TransactionLocationType Tag:* TxnApprovalInfo: "
        "RecurDataRef> RecurringInfo:"
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
    "CreditCardPaymentTxn": (
        "+common +transaction CreditCardAccountRef> BankAccountRef> Amount# VendorRef> CheckNum PrintStatus Memo "
        "CreditCardPaymentEx="
    ),
    "TimeActivity": (
        "+common TimeZone TxnDate@ NameOf EmployeeRef> VendorRef> OtherNameRef> CustomerRef> DepartmentRef> "
        "ItemRef> ClassRef> PayrollItemRef> ProjectRef> TimeChargeId# BillableStatus Taxable? HourlyRate# CostRate# "
        "Hours# Minutes# Seconds# BreakHours# BreakMinutes# BreakSeconds# StartTime~ EndTime~ Description "
        "TimeActivityEx= HoursInEmployeeTimeZone?"
    ),
    "RecurringTransaction": (
        "Id Type MetaData:ModificationMetaData Bill: Purchase: CreditMemo: Deposit: Estimate: Invoice: JournalEntry: "
        "RefundReceipt: SalesReceipt: Transfer: VendorCredit: PurchaseOrder:"
    ),
}
