"""The printed form of a document: a small valid PDF of one or more pages, written by hand.

Belongs here: PDF as such, and which lines of a document go on paper. The layout is invented: no printed form of the
service is known here. Text is in Helvetica and WinAnsi (cp1252); what that cannot write becomes a question mark.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

_LINES_PER_PAGE = 46
_TITLES = {
    "CreditMemo": "Credit Memo",
    "SalesReceipt": "Sales Receipt",
    "RefundReceipt": "Refund Receipt",
    "PurchaseOrder": "Purchase Order",
}
_WIDTH_MAX = 96


def write(lines: list[str]) -> bytes:
    """A PDF 1.4 file with these lines of text, on as many letter-size pages as they need."""
    pages = [lines[at : at + _LINES_PER_PAGE] for at in range(0, max(len(lines), 1), _LINES_PER_PAGE)]
    first = 4
    kids = " ".join(f"{first + 2 * at} 0 R" for at in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for at, page in enumerate(pages):
        text = (
            b"BT /F1 10 Tf 14 TL 54 738 Td " + b" ".join(b"(" + _escaped(line) + b") Tj T*" for line in page) + b" ET"
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {first + 2 * at + 1} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(text)} >>\nstream\n".encode() + text + b"\nendstream")
    found, offsets = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(found))
        found += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    table = b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    size = len(objects) + 1
    return (
        found
        + f"xref\n0 {size}\n0000000000 65535 f \n".encode()
        + table
        + f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(found)}\n%%EOF\n".encode()
    )


def _escaped(line: str) -> bytes:
    text = line[:_WIDTH_MAX].encode("cp1252", "replace")
    return (
        text.replace(b"\\", b"\\\\")
        .replace(b"(", b"\\(")
        .replace(b")", b"\\)")
        .replace(b"\r", b" ")
        .replace(b"\n", b" ")
    )


def document(entity: str, value: dict[str, Any], company: dict[str, Any]) -> bytes:
    """One transaction on paper."""
    return write(list(_lines(entity, value, company)))


def _lines(entity: str, value: dict[str, Any], company: dict[str, Any]) -> Iterator[str]:
    currency = value.get("CurrencyRef", {}).get("value", "")
    party = value.get("CustomerRef") or value.get("VendorRef") or {}
    yield str(company.get("CompanyName", ""))
    yield f"{_TITLES.get(entity, entity)} {value.get('DocNumber', value.get('Id', ''))}"
    yield ""
    yield f"Date {value.get('TxnDate', '')}" + (f"     Due {value['DueDate']}" if value.get("DueDate") else "")
    yield str(party.get("name", party.get("value", "")))
    address = value.get("BillAddr") or value.get("VendorAddr") or {}
    for name in ("Line1", "Line2", "Line3", "City", "PostalCode", "Country"):
        if address.get(name):
            yield str(address[name])
    yield ""
    for line in value.get("Line", ()):
        detail = line.get(line.get("DetailType", ""), {}) or {}
        item = (detail.get("ItemRef") or detail.get("AccountRef") or {}).get("name", "")
        if line.get("DetailType") == "SubTotalLineDetail":
            item = "Subtotal"
        quantity = f" {detail['Qty']} x {detail.get('UnitPrice', '')}" if detail.get("Qty") is not None else ""
        text = " ".join(str(line.get("Description", "")).split())
        yield f"{item} {text}{quantity}   {_money(line.get('Amount', 0))}".strip()
    yield ""
    tax = (value.get("TxnTaxDetail") or {}).get("TotalTax", 0)
    if tax:
        yield f"Tax {_money(tax)}"
    yield f"Total {_money(value.get('TotalAmt', 0))} {currency}"
    if "Balance" in value:
        yield f"Balance due {_money(value['Balance'])} {currency}"
    if value.get("CustomerMemo", {}).get("value"):
        yield str(value["CustomerMemo"]["value"])


def _money(amount: Any) -> str:
    return f"{Decimal(amount):,.2f}"
