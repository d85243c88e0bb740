"""Sales tax on a transaction.

Belongs here: TxnTaxDetail, and lines whose amounts have the tax in them. Facts: reference sections 7 and 8; each rate
is rounded to the cent by itself. Automated sales tax is not simulated: the reference knows that the service recomputes
the tax, but no rates. Not confirmed by a recording: how TaxInclusive amounts are split (net first, then each rate, the
last rate takes the cents left) and the unit price shown then; the order of taxes on taxes.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.books import cents, tidy
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work

_CODELESS = ("", "NON", "TAX")
_MODES = ("TaxExcluded", "TaxInclusive", "NotApplicable")


def is_as_before(value: dict[str, Any], before: dict[str, Any] | None) -> bool:
    """Whether nothing the tax follows from has changed: then it stays, even if its codes are not there any more."""
    if before is None or "TotalTax" not in (before.get("TxnTaxDetail") or {}):
        return False
    names = ("Line", "TxnTaxDetail", "CustomerRef", "GlobalTaxCalculation")
    return all(_taxable(value, name) == _taxable(before, name) for name in names)


def mode(value: dict[str, Any], *, is_us: bool) -> str:
    """The document's GlobalTaxCalculation; raises Refusal for one that is unknown, or inclusive in the US."""
    found = value.get("GlobalTaxCalculation") or "TaxExcluded"
    if found not in _MODES:
        raise Refusal("2010", f"Property Name:GlobalTaxCalculation {found} specified is unsupported or invalid")
    if is_us and found == "TaxInclusive":
        raise wire.business("Amounts with tax in them are not available for a company in the US.")
    return found


def take_out(work: Work, lines: list[dict[str, Any]], side: str) -> dict[str, Decimal]:
    """TaxInclusive: make each line's Amount net of tax and keep what was sent as TaxInclusiveAmt.

    Returns the tax that is in the lines of each tax code. Raises Refusal 2500 for an unknown code.
    """
    inside: dict[str, Decimal] = {}
    for line in lines:
        detail = line.get(line.get("DetailType", ""), {})
        code = detail.get("TaxCodeRef", {}).get("value", "NON")
        if code in _CODELESS or "Amount" not in line:
            continue
        whole = Decimal(detail.get("TaxInclusiveAmt", line["Amount"]))
        factor = sum((amount for _, _, amount in _rates(work, code, Decimal(100), side)), Decimal()) / 100
        net = cents(whole / (1 + factor))
        inside[code] = inside.get(code, Decimal()) + whole - net
        detail["TaxInclusiveAmt"] = whole
        line["Amount"] = net
        if detail.get("Qty") and "UnitPrice" in detail:
            detail["UnitPrice"] = (net / Decimal(detail["Qty"])).quantize(Decimal("0.0000001"))
    return inside


def compute(
    work: Work,
    value: dict[str, Any],
    lines: list[dict[str, Any]],
    subtotal: Decimal,
    discount: Decimal,
    side: str,
    *,
    is_us: bool,
    inside: dict[str, Decimal] | None = None,
) -> None:
    """Set TxnTaxDetail: computed from the tax code where there is one, else as given, else 0. Raises Refusal 2500.

    In the US the document has the code and its lines say TAX or NON; elsewhere every line has its own code. `side`
    ("Sales" or "Purchase") chooses among a code's rates; `discount` is what comes off `subtotal` before tax; `inside`
    is the tax that TaxInclusive lines had in them, by code.
    """
    given = value.get("TxnTaxDetail") or {}
    if mode(value, is_us=is_us) == "NotApplicable":
        value["TxnTaxDetail"] = {"TotalTax": 0}
        return
    share = 1 - discount / subtotal if subtotal else Decimal(1)
    bases: dict[str, Decimal] = {}
    for line in lines:
        code = line.get(line.get("DetailType", ""), {}).get("TaxCodeRef", {}).get("value", "NON")
        if is_us:
            code = given.get("TxnTaxCodeRef", {}).get("value", "") if code != "NON" else ""
        if code not in _CODELESS:
            bases[code] = bases.get(code, Decimal()) + Decimal(line.get("Amount", 0)) * share
    computed = []
    for code, base in bases.items():
        own = _tax_lines(work, code, base, side)
        if inside is not None and own and share == 1:
            own[-1]["Amount"] += inside.get(code, Decimal()) - sum((each["Amount"] for each in own), Decimal())
        computed.extend(own)
    if computed:
        total = sum((line["Amount"] for line in computed), Decimal())
        code = {"TxnTaxCodeRef": given["TxnTaxCodeRef"]} if "TxnTaxCodeRef" in given else {}
        value["TxnTaxDetail"] = {**code, "TotalTax": tidy(total), "TaxLine": computed}
    elif "TxnTaxCodeRef" in given:
        value["TxnTaxDetail"] = {"TxnTaxCodeRef": given["TxnTaxCodeRef"], "TotalTax": 0}
    else:
        value["TxnTaxDetail"] = {"TotalTax": 0, **given}


def _rates(work: Work, code: str, base: Decimal, side: str) -> list[tuple[dict[str, Any], Decimal, Decimal]]:
    """The rates of a code in their order, each with what it is taken on and its tax before rounding.

    A rate is on the amount, on the amount with the taxes before it, or on one earlier tax (TaxTypeApplicable).
    """
    found = work.get("TaxCode", code)
    if found is None:
        raise Refusal("2500", f"Invalid Reference Id : {wire.MADE_INACTIVE}", element="")
    details = (found.get(f"{side}TaxRateList") or {}).get("TaxRateDetail", ())
    taxes: dict[int, Decimal] = {}
    rates = []
    for detail in sorted(details, key=lambda detail: int(detail.get("TaxOrder", 0) or 0)):
        order, kind = int(detail.get("TaxOrder", 0) or 0), detail.get("TaxTypeApplicable", "TaxOnAmount")
        earlier = sum((tax for at, tax in taxes.items() if at < order), Decimal())
        if kind == "TaxOnTax":
            own = taxes.get(int(detail.get("TaxOnTaxOrder", 0) or 0), Decimal())
        else:
            own = base + earlier if kind == "TaxOnAmountPlusTax" else base
        rate = work.get("TaxRate", detail["TaxRateRef"]["value"]) or {}
        tax = own * Decimal(rate.get("RateValue", 0)) / 100
        taxes[order] = taxes.get(order, Decimal()) + tax
        rates.append(({"Id": detail["TaxRateRef"]["value"], "RateValue": rate.get("RateValue", 0)}, own, tax))
    return rates


def _tax_lines(work: Work, code: str, base: Decimal, side: str) -> list[dict[str, Any]]:
    return [
        {
            "Amount": cents(tax),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": {"value": rate["Id"]},
                "PercentBased": True,
                "TaxPercent": rate["RateValue"],
                "NetAmountTaxable": own if own == cents(own) else cents(own),
            },
        }
        for rate, own, tax in _rates(work, code, base, side)
    ]


def _taxable(value: dict[str, Any], name: str) -> Any:
    """What of a property tax depends on, comparable: amounts and codes of lines, ids of references."""
    each = value.get(name)
    if name == "Line":
        return [
            (
                line.get("Amount"),
                line.get(line["DetailType"], {}).get("TaxCodeRef", {}).get("value", "NON"),
                line.get(line["DetailType"], {}).get("TaxInclusiveAmt"),
            )
            for line in each or ()
            if line.get("DetailType") not in (None, "SubTotalLineDetail")
        ]
    if name == "TxnTaxDetail":
        each = each or {}
        return each.get("TxnTaxCodeRef", {}).get("value"), each.get("TotalTax")
    return each.get("value") if isinstance(each, dict) else each
