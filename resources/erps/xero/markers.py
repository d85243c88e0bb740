"""The mark that a record of ours carries in Xero, so that it can be found again when an answer was lost.

Where it stands: customer invoices in `Url`, for their Reference is the customer's; all other documents and payments at
the end of `Reference`, where it is taken off when read; money with a rest in the `Url` of its bank transaction as well,
for Xero's description has no Reference there; contacts in `ContactNumber`, which only an app can set, with
the role they were made for. Items have none: their code is unique.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.fields import MappingError, Text, UnreadableError

URL = "https://tieout.invalid/"
# The Url of an over- or prepayment, which stands in its bank transaction.
BANK_URL = "tieout:Url"
_FORM = "[tieout:{}]"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MARK = re.compile(r"(?:^| )\[tieout:([A-Za-z0-9._-]{1,64})\]\s*$")
_NUMBER = re.compile(r"tieout-(customers|vendors)-([A-Za-z0-9._-]{1,64})")


def marked(reference: str, marker: str) -> str:
    """The reference with the mark behind it. Raises MappingError for a marker that could not be read back."""
    if not marker:
        return reference
    _check(marker)
    return f"{reference} {_FORM.format(marker)}" if reference else _FORM.format(marker)


def marked_url(marker: str) -> str:
    _check(marker)
    return f"{URL}{marker}"


def marked_number(entity: str, marker: str) -> str:
    """A contact's number: its mark, and whether it was made as a customer or as a vendor."""
    _check(marker)
    return f"tieout-{entity}-{marker}"


def role_of_number(number: Any) -> str | None:
    found = _NUMBER.fullmatch(number) if isinstance(number, str) else None
    return found[1] if found else None


def without_mark(reference: str) -> str:
    return _MARK.sub("", reference) if "[tieout:" in reference else reference


def marker_in(payload: Mapping[str, Any]) -> str | None:
    """The marker of a record, wherever it stands in it."""
    url, reference = payload.get("Url") or payload.get(BANK_URL), payload.get("Reference")
    number = payload.get("ContactNumber")
    if isinstance(url, str) and url.startswith(URL) and _ALLOWED.fullmatch(url.removeprefix(URL)):
        return url.removeprefix(URL)
    found = _MARK.search(reference) if isinstance(reference, str) and "[tieout:" in reference else None
    if found is None and isinstance(number, str):
        found = _NUMBER.fullmatch(number)
        return found[2] if found else None
    return found[1] if found else None


@dataclass(frozen=True)
class Reference(Text):
    """A reference, read without the mark; the composer puts it on."""

    def convert(self, value: Any) -> str:
        if type(value) is not str:
            raise UnreadableError(value, "text")
        return without_mark(value)

    def quick_converter(self) -> tuple[type | None, Any]:
        return None, self.convert


def _check(marker: str) -> None:
    if not _ALLOWED.fullmatch(marker):
        raise MappingError("reference", "Reference", marker, "a marker of 1 to 64 letters, digits, '.', '_', '-'")
