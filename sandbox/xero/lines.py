"""Lines of documents: what is filled in, what is computed, what is refused.

Belongs here: one line and the sum of all. Which documents have lines, and when they may be changed, is `documents.py`.
Facts: reference section 8: the line's amount and its tax are rounded half up, totals are sums of rounded numbers.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.wire import Refusal, half_up
from sandbox.xero.work import Work

_ORDER = (
    "ItemCode Description UnitAmount DiscountRate DiscountAmount TaxType TaxAmount LineAmount AccountCode Item "
    "Tracking Quantity LineItemID AccountID"
)
_AMOUNTS = ("Quantity", "UnitAmount", "LineAmount")
_CLASS_FLAGS = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}
_CONTROL_ACCOUNTS = {"DEBTORS", "CREDITORS", "GST", "UNPAIDEXPCLM", "TRACKINGTRANSFERS", "RETAINEDEARNINGS"}
TRACKING_MAX, AMOUNT_MAX = 2, Decimal(10) ** 10
TOO_LARGE = "Quantities and amounts of a line must be below ten billion"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a document asks of its lines: the item's half they default to, whether accounts must be there, whether
    discounts may be, the decimals of unit prices, how amounts hold tax (and did before this write), and whether they
    stand on a control account (overpayments).
    """

    half: str
    needs_account: bool
    allows_discount: bool
    places: int
    line_amount_types: str
    was_types: str = ""
    is_control: bool = False


def complete(
    work: Work, given: list[dict[str, Any]], present: list[dict[str, Any]], setting: Setting
) -> list[dict[str, Any]]:
    """The lines after a write: those given, each merged with the present line of its LineItemID. Raises Refusal."""
    known = {line["LineItemID"]: line for line in present if "LineItemID" in line}
    return [_line(work, line, _own(work, line, known, bool(present)), setting) for line in given]


def _own(work: Work, line: dict[str, Any], known: dict[str, dict[str, Any]], is_update: bool) -> dict[str, Any] | None:
    key = line.get("LineItemID")
    if key in known:
        return known[key]
    if key and key != wire.ZERO_GUID and is_update and work.options.unknown_line_id == "refuse":
        raise Refusal(f"The LineItemID {key} does not exist on this document")
    return None


def _line(work: Work, given: dict[str, Any], own: dict[str, Any] | None, setting: Setting) -> dict[str, Any]:
    line = {**(own or {}), **given}
    line["LineItemID"] = own["LineItemID"] if own else work.books.ids.new()
    line["Tracking"] = _tracking(work, line.get("Tracking", []))
    if own is not None and "LineAmount" not in given:
        line.pop("LineAmount", None)
    elif own is not None and "UnitAmount" not in given:
        line.pop("UnitAmount", None)
    item = _item(work, line)
    for name, source in (("UnitAmount", "UnitPrice"), ("AccountCode", "AccountCode"), ("TaxType", "TaxType")):
        default = (item or {}).get(setting.half, {}).get(source)
        if name == "AccountCode" and setting.half == "PurchaseDetails" and item and item.get("IsTrackedAsInventory"):
            default = item.get("InventoryAssetAccountCode")
        if name not in line and default is not None and not (name == "UnitAmount" and "LineAmount" in line):
            line[name] = default
    if item is not None and not line.get("Description"):
        line["Description"] = item.get("Description" if setting.half == "SalesDetails" else "PurchaseDescription", "")
    if not any(name in line for name in _AMOUNTS):
        return {name: line[name] for name in ("Description", "Tracking", "LineItemID") if name in line}
    _amounts(line, setting)
    account = _account(work, line, setting)
    _tax(work, line, own, account, setting, given.get("TaxAmount"))
    return {name: line[name] for name in _ORDER.split() if name in line}


def _item(work: Work, line: dict[str, Any]) -> dict[str, Any] | None:
    code = line.get("ItemCode")
    if not code:
        line.pop("ItemCode", None)
        line.pop("Item", None)
        return None
    found = work.by("Items", "Code", code)
    if not found:
        raise Refusal(f"Item code '{code}' is not valid")
    line["Item"] = {name: found[0][name] for name in ("ItemID", "Name", "Code") if name in found[0]}
    return found[0]


def _amounts(line: dict[str, Any], setting: Setting) -> None:
    """Two of quantity, price and amount make the third; three must agree."""
    quantity, price, total = (line.get(name) for name in _AMOUNTS)
    if any(
        abs(each) >= AMOUNT_MAX for each in (quantity, price, total, line.get("DiscountAmount")) if each is not None
    ):
        raise Refusal(TOO_LARGE)
    factor = _discount(line, setting)
    if quantity is None:
        quantity = Decimal(1)
    if price is None and total is None:
        raise Refusal("A line must have a UnitAmount or a LineAmount")
    if price is None:
        if quantity == 0:
            raise Refusal("A line with a LineAmount cannot have a Quantity of 0")
        price = half_up(wire.number(total) / quantity / (factor or 1), setting.places)
    else:
        price = half_up(price, setting.places)
        expected = half_up(quantity * price * factor - wire.number(line.get("DiscountAmount", 0)))
        if total is not None and half_up(total) != expected:
            raise Refusal(f"The line total {half_up(total)} does not match the expected line total {expected}")
        total = expected
    if abs(total) >= AMOUNT_MAX:
        raise Refusal(TOO_LARGE)
    line["Quantity"], line["UnitAmount"], line["LineAmount"] = half_up(quantity, 4), price, half_up(total)


def _discount(line: dict[str, Any], setting: Setting) -> Decimal:
    rate, fixed = line.get("DiscountRate"), line.get("DiscountAmount")
    if not rate and not fixed:
        line.pop("DiscountRate", None)
        line.pop("DiscountAmount", None)
        return Decimal(1)
    if not setting.allows_discount:
        raise Refusal("Discounts are only supported on sales invoices and quotes")
    if rate and fixed:
        raise Refusal("Only one of DiscountRate and DiscountAmount can be specified")
    if fixed:
        line["DiscountAmount"] = half_up(fixed)
        return Decimal(1)
    if not 0 <= rate <= 100:
        raise Refusal("DiscountRate must be between 0 and 100")
    line["DiscountRate"] = half_up(rate)
    return 1 - line["DiscountRate"] / 100


def _account(work: Work, line: dict[str, Any], setting: Setting) -> dict[str, Any] | None:
    code, key = line.get("AccountCode"), line.pop("AccountID", None)
    account = None
    if code:
        account = next(iter(work.by("Accounts", "Code", code)), None)
    elif key:
        account = work.get("Accounts", key)
    if account is not None and not is_postable(account) and not setting.is_control:
        account = None
    if account is not None:
        line["AccountCode"], line["AccountID"] = account.get("Code", ""), account["AccountID"]
        return account
    if setting.needs_account:
        raise Refusal(
            f"Account code '{code}' is not a valid code for this document."
            if code
            else "Account code must be specified"
        )
    if code:
        work.warnings.append(f"Account code '{code}' has been removed as it does not match a recognised account.")
    line.pop("AccountCode", None)
    return None


def is_postable(account: dict[str, Any]) -> bool:
    """Whether lines may name this account: an active one that is neither a bank nor kept by Xero itself."""
    return (
        account.get("Status", "ACTIVE") == "ACTIVE"
        and account.get("Type") != "BANK"
        and account.get("SystemAccount") not in _CONTROL_ACCOUNTS
    )


def _tax(
    work: Work,
    line: dict[str, Any],
    own: dict[str, Any] | None,
    account: dict[str, Any] | None,
    setting: Setting,
    sent: Decimal | None,
) -> None:
    """Tax type and tax of a line; `sent` is the TaxAmount the request has for it."""
    if setting.line_amount_types == "NoTax":
        line["TaxType"], line["TaxAmount"] = "NONE", Decimal("0.00")
        return
    kind = line.get("TaxType") or (account or {}).get("TaxType")
    if not kind:
        if setting.needs_account:
            raise Refusal("TaxType must be specified")
        line.pop("TaxType", None)
        line["TaxAmount"] = Decimal("0.00")
        return
    rate = tax_rate(work, kind)
    flag = _CLASS_FLAGS.get((account or {}).get("Class", ""))
    if rate is None or (flag is not None and rate.get(flag) is False):
        raise Refusal(f"The TaxType code {kind} does not exist or cannot be used for this type of transaction.")
    line["TaxType"] = kind
    computed = tax_of(line["LineAmount"], wire.number(rate.get("EffectiveRate", 0)), setting.line_amount_types)
    is_same = own is not None and setting.line_amount_types == setting.was_types
    is_same = is_same and all((own or {}).get(name) == line[name] for name in ("LineAmount", "TaxType"))
    if is_same and sent is None:
        sent = (own or {}).get("TaxAmount")
    if sent is None or (own is not None and not is_same and sent == own.get("TaxAmount")):
        # A client that sends a line back with another amount and the tax of before means no tax of its own.
        sent = computed
    limit = work.options.tax_amount_limit
    if limit != "none" and abs(sent - computed) > Decimal(limit):
        raise Refusal(f"The tax amount {half_up(sent)} is too far from the calculated tax {computed}")
    line["TaxAmount"] = half_up(sent)


def tax_rate(work: Work, kind: str) -> dict[str, Any] | None:
    found = work.get("TaxRates", kind)
    if found is None and kind == "NONE":
        return {"TaxType": "NONE", "EffectiveRate": Decimal(0)}
    return found if found is not None and found.get("Status", "ACTIVE") == "ACTIVE" else None


def tax_of(amount: Decimal, rate: Decimal, line_amount_types: str) -> Decimal:
    """The tax of one line, rounded half up; `rate` is in percent."""
    if line_amount_types == "Inclusive":
        return half_up(amount * rate / (100 + rate))
    return half_up(amount * rate / 100)


def _tracking(work: Work, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(given) > TRACKING_MAX:
        raise Refusal(f"A line item can have at most {TRACKING_MAX} tracking elements")
    tracked = []
    for each in given:
        path, value = ("Name", each.get("Name"))
        if each.get("TrackingCategoryID"):
            path, value = "TrackingCategoryID", each["TrackingCategoryID"]
        category = next((one for one in work.by("TrackingCategories", path, value) if one["Status"] == "ACTIVE"), None)
        if category is None:
            raise Refusal(f"The TrackingCategory '{value}' is not a valid tracking category")
        option = next(
            (
                one
                for one in category.get("Options", ())
                if one["TrackingOptionID"] == each.get("TrackingOptionID")
                or one["Name"].casefold() == str(each.get("Option", "")).casefold()
            ),
            None,
        )
        if option is None:
            raise Refusal(f"The Option '{each.get('Option', '')}' is not valid for the category '{category['Name']}'")
        tracked.append(
            {
                "Name": category["Name"],
                "Option": option["Name"],
                "TrackingCategoryID": category["TrackingCategoryID"],
                "TrackingOptionID": option["TrackingOptionID"],
                "Options": [],
            }
        )
    return tracked


def totals(lines: list[dict[str, Any]], line_amount_types: str) -> dict[str, Decimal]:
    """SubTotal, TotalTax and Total of completed lines."""
    amount = sum((wire.number(line["LineAmount"]) for line in lines if "LineAmount" in line), Decimal("0.00"))
    tax = sum((wire.number(line["TaxAmount"]) for line in lines if "TaxAmount" in line), Decimal("0.00"))
    if line_amount_types == "Inclusive":
        return {"SubTotal": amount - tax, "TotalTax": tax, "Total": amount}
    return {"SubTotal": amount, "TotalTax": tax, "Total": amount + tax}
