"""What the benchmarks must know of an ERP, and which ERPs there are.

Belongs here: the shape of that. What it is for one ERP is `bench/<erp>/words.py`, the cheapest way to read it
`bench/<erp>/floor.py`, and dlt's way `bench/<erp>/dlt_source.py`. To add an ERP: those three, and its name in `ERPS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

ERPS = ("quickbooks", "xero")


@dataclass(frozen=True, slots=True)
class Words:
    """One ERP.

    `dlt_tables`: dlt's tables of invoices and their lines; it keeps `dlt_lines_extra` lines an invoice that are none.
    `edit_one`: somebody changes one invoice of the simulator at this address. `untaxed`: the tax code of a line without
    tax. `batch_invoices`: how many one call may write, and `batches_per_minute` how many such calls the ERP takes.
    `is_write`: whether a logged request writes invoices.
    """

    erp: str
    title: str
    dlt_tables: tuple[str, str]
    dlt_lines_extra: int
    edit_one: Callable[[str], None]
    untaxed: str
    batch_invoices: int
    batches_per_minute: int
    is_write: Callable[[Mapping[str, Any]], bool]


def words_of(erp: str) -> Words:
    """The words of an ERP of `ERPS`."""
    return import_module(f"bench.{erp}.words").WORDS
