"""The ERPs there are. A new one is a new folder and one line here."""

from __future__ import annotations

from importlib import import_module

from resources.errors import ErrorKind, TieoutError
from resources.profile import ErpProfile

_FOLDERS = {
    "quickbooks": "resources.erps.quickbooks.erp",
    "xero": "resources.erps.xero.erp",
}


def erp_names() -> tuple[str, ...]:
    return tuple(_FOLDERS)


def erp_of(name: str) -> ErpProfile:
    """One ERP by its name; raises TieoutError naming those there are. Its SDK is imported only when it is used."""
    if name not in _FOLDERS:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing=f"looking up the ERP {name!r}",
            found="no such ERP",
            expected=f"one of: {', '.join(_FOLDERS)}",
            next_step="see `tieout connections add --help`",
        )
    return import_module(_FOLDERS[name]).ERP
