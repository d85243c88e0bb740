"""Sales tax on a transaction.

Belongs here: TxnTaxDetail. Facts: reference sections 7 and 8; each rate is rounded to the cent by itself.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.books import cents, tidy
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work


def is_as_before(value: dict[str, Any], before: dict[str, Any] | None) -> bool:
    """Whether nothing the tax follows from has changed: then it stays, even if its codes are not there any more."""
    if before is None or "TotalTax" not in (before.get("TxnTaxDetail") or {}):
        return False
    return all(_taxable(value, name) == _taxable(before, name) for name in ("Line", "TxnTaxDetail", "CustomerRef"))


def compute(
    work: Work,
    value: dict[str, Any],
    lines: list[dict[str, Any]],
    subtotal: Decimal,
    discount: Decimal,
    side: str,
    *,
    is_us: bool,
) -> None:
    """Set TxnTaxDetail: computed from the tax code where there is one, else as given, else 0. Raises Refusal 2500.

    In the US the document has the code and its lines say TAX or NON; elsewhere every line has its own code. `side`
    ("Sales" or "Purchase") chooses among a code's rates; `discount` is what comes off `subtotal` before tax.
    """
    given = value.get("TxnTaxDetail") or {}
    share = 1 - discount / subtotal if subtotal else Decimal(1)
    bases: dict[str, Decimal] = {}
    for line in lines:
        code = line.get(line.get("DetailType", ""), {}).get("TaxCodeRef", {}).get("value", "NON")
        if is_us:
            code = given.get("TxnTaxCodeRef", {}).get("value", "") if code != "NON" else ""
        if code not in ("", "NON", "TAX"):
            bases[code] = bases.get(code, Decimal()) + Decimal(line.get("Amount", 0)) * share
    computed = [tax_line for code, base in bases.items() for tax_line in _tax_lines(work, code, base, side)]
    if computed:
        total = sum((line["Amount"] for line in computed), Decimal())
        code = {"TxnTaxCodeRef": given["TxnTaxCodeRef"]} if "TxnTaxCodeRef" in given else {}
        value["TxnTaxDetail"] = {**code, "TotalTax": tidy(total), "TaxLine": computed}
    elif "TxnTaxCodeRef" in given:
        value["TxnTaxDetail"] = {"TxnTaxCodeRef": given["TxnTaxCodeRef"], "TotalTax": 0}
    else:
        value["TxnTaxDetail"] = {"TotalTax": 0, **given}


def _tax_lines(work: Work, code: str, base: Decimal, side: str) -> list[dict[str, Any]]:
    found = work.get("TaxCode", code)
    if found is None:
        raise Refusal("2500", f"Invalid Reference Id : {wire.MADE_INACTIVE}", element="")
    lines = []
    for detail in (found.get(f"{side}TaxRateList") or {}).get("TaxRateDetail", ()):
        rate = work.get("TaxRate", detail["TaxRateRef"]["value"]) or {}
        percent = Decimal(rate.get("RateValue", 0))
        lines.append(
            {
                "Amount": cents(base * percent / 100),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": detail["TaxRateRef"]["value"]},
                    "PercentBased": True,
                    "TaxPercent": rate.get("RateValue", 0),
                    "NetAmountTaxable": base if base == cents(base) else cents(base),
                },
            }
        )
    return lines


def _taxable(value: dict[str, Any], name: str) -> Any:
    """What of a property tax depends on, comparable: amounts and codes of lines, ids of references."""
    each = value.get(name)
    if name == "Line":
        return [
            (line.get("Amount"), line.get(line["DetailType"], {}).get("TaxCodeRef", {}).get("value", "NON"))
            for line in each or ()
            if line.get("DetailType") not in (None, "SubTotalLineDetail")
        ]
    if name == "TxnTaxDetail":
        each = each or {}
        return each.get("TxnTaxCodeRef", {}).get("value"), each.get("TotalTax")
    return (each or {}).get("value")
