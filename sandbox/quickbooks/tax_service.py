"""The tax service: tax codes with their rates, made in one call.

Belongs here: `POST /taxservice/taxcode`. Facts: reference section 8.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work


def add_tax_code(work: Work, body: Any) -> dict[str, Any]:
    """`POST /taxservice/taxcode`: a tax code with its rates. Raises Refusal."""
    if not isinstance(body, dict) or not body.get("TaxCode"):
        raise Refusal("2020", "Required parameter TaxCode is missing in the request", element="TaxCode")
    if work.store.tables["TaxCode"].equal("Name", str(body["TaxCode"])):
        raise Refusal("6240", "The name supplied already exists. : null")
    lists: dict[str, list[dict[str, Any]]] = {"Sales": [], "Purchase": []}
    details: list[dict[str, Any]] = []
    for order, given in enumerate(body.get("TaxRateDetails") or ()):
        key = str(given.get("TaxRateId") or work.store.next_id("taxrate"))
        if "TaxRateId" not in given:
            rate = {
                "Name": given.get("TaxRateName", body["TaxCode"]),
                "Active": True,
                "RateValue": Decimal(str(given.get("RateValue", 0))),
                "AgencyRef": {"value": str(given.get("TaxAgencyId", "1"))},
                "SpecialTaxType": "NONE",
                "DisplayType": "ReadOnly",
                "domain": "QBO",
                "sparse": False,
                "Id": key,
            }
            work.replace("TaxRate", rate)
        side = "Purchase" if given.get("TaxApplicableOn") == "Purchase" else "Sales"
        lists[side].append({"TaxRateRef": {"value": key}, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": order})
        details.append({**given, "TaxRateId": key, "TaxAgencyId": str(given.get("TaxAgencyId", "1"))})
    code = {
        "Name": body["TaxCode"],
        "Description": body["TaxCode"],
        "Active": True,
        "Taxable": True,
        "TaxGroup": True,
        "SalesTaxRateList": {"TaxRateDetail": lists["Sales"]},
        "PurchaseTaxRateList": {"TaxRateDetail": lists["Purchase"]},
        "domain": "QBO",
        "sparse": False,
        "Id": work.store.next_id("taxcode"),
    }
    work.replace("TaxCode", code)
    work.commit()
    return {**body, "TaxCodeId": code["Id"], "TaxRateDetails": details}
