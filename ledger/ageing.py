"""How long amounts have been due: the buckets of both books, and what is due in them party by party.

Pure. Amounts are added per currency and never across; a home amount is a document's own at the document's own rate.
Reading either book is `resources/stores/ageing.py`, the ERP's own reports are `resources/connector.py` (`Reports`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

# (title, last day of it) of the buckets in which open amounts are counted by their age.
AGEING: tuple[tuple[str, int], ...] = (("current", 0), ("1-30", 30), ("31-60", 60), ("61-90", 90))
OVER_90 = "over 90"
BUCKETS = (*(title for title, _ in AGEING), OVER_90)
BUCKET_DAYS = 30


def ageing_bucket(due_date: date, as_of: date) -> str:
    """How long an amount has been due: `current` until its due date has passed, then by days."""
    days = (as_of - due_date).days
    return next((title for title, last in AGEING if days <= last), OVER_90)


@dataclass(frozen=True, slots=True)
class Aged:
    """What one book says is open with one party in one currency and bucket.

    `home_amount` is None if a document in it has a foreign currency and no rate: then its worth at home is not known.
    """

    party_external_id: str
    party_name: str
    currency: str
    bucket: str
    amount: Decimal
    home_amount: Decimal | None
    document_count: int


@dataclass(frozen=True, slots=True)
class HomeRow:
    """One party and bucket in the home currency, both books and the ERP's report; None is not known, never zero."""

    party_external_id: str
    party_name: str
    bucket: str
    ledger_amount: Decimal | None
    mirror_amount: Decimal | None
    reported_amount: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """The report less the ledger, where both are known."""
        if self.reported_amount is None or self.ledger_amount is None:
            return None
        return self.reported_amount - self.ledger_amount


def home_rows(
    ledger: Iterable[Aged],
    mirror: Iterable[Aged],
    reported: Mapping[tuple[str, str], tuple[str, Decimal]] | None,
    unknown: Collection[str] = (),
) -> list[HomeRow]:
    """Party by party and bucket by bucket, in that order.

    `reported` is (party, bucket) -> (name, amount), None if the report was not read; `unknown` are the parties that no
    report was asked for.
    """
    ours, own_names = _at_home(ledger)
    theirs, mirror_names = _at_home(mirror)
    names = {**{party: name for (party, _), (name, _) in (reported or {}).items()}}
    names.update({party: name for party, name in {**mirror_names, **own_names}.items() if name})
    keys = set(ours) | set(theirs) | set(reported or {})
    return [
        HomeRow(
            party,
            names.get(party, ""),
            bucket,
            ours.get((party, bucket), Decimal(0)),
            theirs.get((party, bucket), Decimal(0)),
            None if reported is None or party in unknown else reported.get((party, bucket), ("", Decimal(0)))[1],
        )
        for party, bucket in sorted(keys, key=lambda key: (names.get(key[0], ""), key[0], BUCKETS.index(key[1])))
    ]


def by_bucket(rows: Iterable[HomeRow]) -> dict[str, HomeRow]:
    """All parties together, every bucket in its order; what is not known of one party is not known of the sum."""
    sums = {bucket: HomeRow("", "", bucket, Decimal(0), Decimal(0), Decimal(0)) for bucket in BUCKETS}
    for row in rows:
        held = sums[row.bucket]
        sums[row.bucket] = HomeRow(
            "",
            "",
            row.bucket,
            _plus(held.ledger_amount, row.ledger_amount),
            _plus(held.mirror_amount, row.mirror_amount),
            _plus(held.reported_amount, row.reported_amount),
        )
    return sums


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _at_home(rows: Iterable[Aged]) -> tuple[dict[tuple[str, str], Decimal | None], dict[str, str]]:
    sums: dict[tuple[str, str], Decimal | None] = {}
    names: dict[str, str] = {}
    for row in rows:
        key = (row.party_external_id, row.bucket)
        names[row.party_external_id] = row.party_name
        before = sums.get(key, Decimal(0))
        sums[key] = None if before is None or row.home_amount is None else before + row.home_amount
    return sums, names
