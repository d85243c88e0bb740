"""The demo company's chart of accounts and short lists, as plain data; books.py makes objects of them."""

# Name, type, subtype, classification, parent; the currency is the home currency unless FOREIGN_ACCOUNTS says otherwise.
CHART = [
    ("Checking", "Bank", "Checking", "Asset", None),
    ("Savings", "Bank", "Savings", "Asset", None),
    ("Euro Checking", "Bank", "Checking", "Asset", None),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset", None),
    ("Accounts Receivable (A/R) - EUR", "Accounts Receivable", "AccountsReceivable", "Asset", None),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset", None),
    ("Inventory Asset", "Other Current Asset", "Inventory", "Asset", None),
    ("Prepaid Expenses", "Other Current Asset", "PrepaidExpenses", "Asset", None),
    ("Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets", "Asset", None),
    ("Vehicles", "Fixed Asset", "Vehicles", "Asset", None),
    ("Original Cost", "Fixed Asset", "Vehicles", "Asset", "Vehicles"),
    ("Depreciation", "Fixed Asset", "AccumulatedDepreciation", "Asset", "Vehicles"),
    ("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable", "Liability", None),
    ("Accounts Payable (A/P) - EUR", "Accounts Payable", "AccountsPayable", "Liability", None),
    ("Company Card", "Credit Card", "CreditCard", "Liability", None),
    ("Travel Card", "Credit Card", "CreditCard", "Liability", None),
    ("State Tax Board Payable", "Other Current Liability", "GlobalTaxPayable", "Liability", None),
    ("City Tax Office Payable", "Other Current Liability", "GlobalTaxPayable", "Liability", None),
    ("Loan Payable", "Other Current Liability", "OtherCurrentLiabilities", "Liability", None),
    ("Notes Payable", "Long Term Liability", "OtherLongTermLiabilities", "Liability", None),
    ("Opening Balance Equity", "Equity", "OpeningBalanceEquity", "Equity", None),
    ("Retained Earnings", "Equity", "RetainedEarnings", "Equity", None),
    ("Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue", None),
    ("Services", "Income", "ServiceFeeIncome", "Revenue", None),
    ("Installation", "Income", "ServiceFeeIncome", "Revenue", "Services"),
    ("Maintenance", "Income", "ServiceFeeIncome", "Revenue", "Services"),
    ("Design", "Income", "ServiceFeeIncome", "Revenue", "Services"),
    ("Discounts given", "Income", "DiscountsRefundsGiven", "Revenue", None),
    ("Refunds-Allowances", "Income", "DiscountsRefundsGiven", "Revenue", None),
    ("Unapplied Cash Payment Income", "Income", "UnappliedCashPaymentIncome", "Revenue", None),
    ("Uncategorized Income", "Income", "ServiceFeeIncome", "Revenue", None),
    ("Interest Earned", "Other Income", "InterestEarned", "Revenue", None),
    ("Exchange Gain or Loss", "Other Expense", "ExchangeGainOrLoss", "Expense", None),
    ("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs", "Expense", None),
    ("Purchases", "Expense", "SuppliesMaterials", "Expense", None),
    ("Advertising", "Expense", "AdvertisingPromotional", "Expense", None),
    ("Automobile", "Expense", "Auto", "Expense", None),
    ("Fuel", "Expense", "Auto", "Expense", "Automobile"),
    ("Bank Charges", "Expense", "BankCharges", "Expense", None),
    ("Commissions & fees", "Expense", "OtherMiscellaneousServiceCost", "Expense", None),
    ("Dues & Subscriptions", "Expense", "DuesSubscriptions", "Expense", None),
    ("Equipment Rental", "Expense", "EquipmentRental", "Expense", None),
    ("Insurance", "Expense", "Insurance", "Expense", None),
    ("Job Materials", "Expense", "SuppliesMaterials", "Expense", None),
    ("Legal & Professional Fees", "Expense", "LegalProfessionalFees", "Expense", None),
    ("Accounting", "Expense", "LegalProfessionalFees", "Expense", "Legal & Professional Fees"),
    ("Lawyer", "Expense", "LegalProfessionalFees", "Expense", "Legal & Professional Fees"),
    ("Maintenance and Repair", "Expense", "RepairMaintenance", "Expense", None),
    ("Meals and Entertainment", "Expense", "EntertainmentMeals", "Expense", None),
    ("Office Expenses", "Expense", "OfficeGeneralAdministrativeExpenses", "Expense", None),
    ("Rent or Lease", "Expense", "RentOrLeaseOfBuildings", "Expense", None),
    ("Shipping and delivery", "Expense", "ShippingFreightDelivery", "Expense", None),
    ("Stationery & Printing", "Expense", "OfficeGeneralAdministrativeExpenses", "Expense", None),
    ("Supplies", "Expense", "SuppliesMaterials", "Expense", None),
    ("Taxes & Licenses", "Expense", "TaxesPaid", "Expense", None),
    ("Travel", "Expense", "Travel", "Expense", None),
    ("Utilities", "Expense", "Utilities", "Expense", None),
    ("Gas and Electric", "Expense", "Utilities", "Expense", "Utilities"),
    ("Telephone", "Expense", "Utilities", "Expense", "Utilities"),
    ("Old Promotions", "Expense", "AdvertisingPromotional", "Expense", None),
]
# Ids that Intuit's sandbox companies have, and clients have written into them; the other accounts count on from 100.
KNOWN_ACCOUNT_IDS = {
    "Services": "1",
    "Undeposited Funds": "4",
    "Accounts Payable (A/P)": "33",
    "Opening Balance Equity": "34",
    "Checking": "35",
    "Savings": "36",
    "Company Card": "41",
    "Travel Card": "42",
    "Sales of Product Income": "79",
    "Cost of Goods Sold": "80",
    "Inventory Asset": "81",
    "Accounts Receivable (A/R)": "84",
    "Discounts given": "86",
}
FOREIGN_ACCOUNTS = {"Euro Checking", "Accounts Receivable (A/R) - EUR", "Accounts Payable (A/P) - EUR"}
INACTIVE_ACCOUNTS = {"Old Promotions"}
# In the order of their ids, from 1; the third is the company's default.
TERMS = [("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 60", 60), ("Net 10", 10)]
DEFAULT_TERM = 2
METHODS = ["Cash", "Check", "Visa", "MasterCard", "Bank transfer", "Direct Debit"]
CARDS = {"Visa", "MasterCard"}
SEASONS = ["Retail", "Wholesale", "Projects"]
PLACES = ["Testburg", "Port Example"]
# Code and name; the home currency is not among those a company adds.
CURRENCIES = [("CAD", "Canadian Dollar"), ("EUR", "Euro")]
