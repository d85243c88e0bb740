"""Comparing two books by control totals: party by party, currency by currency, every difference with one cause.

Pure: takes what both sides say and returns results and breaks. Reading either side is `resources/stages/reconcile.py`;
why a document differs is `causes.py`, how long amounts have been due `ageing.py`.
A difference is always the ERP's figure less the ledger's. The breaks of a result add up to its difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Cause(StrEnum):
    """Why two figures differ; each break has exactly one."""

    IN_FLIGHT = "in_flight"
    TIMING = "timing"
    MISSING_IN_ERP = "missing_in_erp"
    MISSING_IN_LEDGER = "missing_in_ledger"
    AMOUNT = "amount"
    TAX_ROUNDING = "tax_rounding"
    EXCHANGE_RATE = "exchange_rate"
    UNAPPLIED = "unapplied"
    DELETED_THERE = "deleted_there"
    CONFLICT_OPEN = "conflict_open"
    DUPLICATE = "duplicate"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Module:
    """One side of the books: whose balances, made of which open amounts. Signs: +1 raises the balance, -1 lowers it."""

    name: str
    title: str
    party: str
    open_amounts: Mapping[str, tuple[str, int]]


MODULES: dict[str, Module] = {
    "ar": Module(
        "ar",
        "Accounts receivable",
        "customers",
        {"invoices": ("open_amount", 1), "credit_memos": ("open_amount", -1), "payments": ("unapplied_amount", -1)},
    ),
    "ap": Module(
        "ap",
        "Accounts payable",
        "vendors",
        {"bills": ("open_amount", 1), "vendor_credits": ("open_amount", -1), "bill_payments": ("unapplied_amount", -1)},
    ),
}


@dataclass(frozen=True, slots=True)
class PartyFigure:
    """What one book says one party owes (or is owed), in one currency."""

    external_id: str
    name: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document the ledger does not hold because something is wrong with it; `amount` is signed as in the balance."""

    entity: str
    external_id: str
    party_external_id: str
    currency: str
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Break:
    """One difference with its cause; `amount` is the ERP's figure less the ledger's, 0 where no balance differs.

    `identity` says what it is about and is the same from run to run; `kind` says what differs, `fields` how: name, in
    the ledger, in the ERP.
    """

    cause: Cause
    amount: Decimal
    says: str
    party_external_id: str | None = None
    party_name: str | None = None
    identity: str = ""
    kind: str = "balance"
    entity: str | None = None
    external_id: str | None = None
    ledger_id: int | None = None
    fields: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What could not be compared, or has to be known to read a result. Nothing ties out while a blocking one holds."""

    code: str
    says: str
    is_blocking: bool = True


@dataclass(frozen=True, slots=True)
class DocumentBreak:
    """A break of one document, and what it does to the balance of each party it touches, all in one currency."""

    found: Break
    currency: str
    by_party: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Result:
    """One currency of one module. `erp_amount` is the ERP's control account where it has one, else its parties' sum."""

    currency: str
    ledger_amount: Decimal
    erp_amount: Decimal
    parties_amount: Decimal
    breaks: tuple[Break, ...] = field(default=())

    @property
    def difference(self) -> Decimal:
        return self.erp_amount - self.ledger_amount

    @property
    def by_cause(self) -> dict[str, Decimal]:
        """The difference taken apart by cause; causes that do not occur are left out."""
        sums: dict[str, Decimal] = {}
        for found in self.breaks:
            sums[found.cause.value] = sums.get(found.cause.value, Decimal(0)) + found.amount
        return sums


def reconcile(
    module: Module,
    *,
    erp_title: str,
    erp_parties: Iterable[PartyFigure],
    erp_accounts: Mapping[str, Decimal],
    ledger_parties: Iterable[PartyFigure],
    held: Sequence[HeldDocument] = (),
    documents: Sequence[DocumentBreak] = (),
) -> list[Result]:
    """Compare one module of both books, every currency on its own, in the order of the currency codes.

    `erp_accounts` is the balance of the ERP's own control account by currency, signed like the parties' balances.
    `documents` are what the comparison document by document has found: they come first, and what they do not explain
    of a party's difference is a break of its own.
    """
    theirs = {(p.external_id, p.currency): p for p in erp_parties}
    ours = {(p.external_id, p.currency): p for p in ledger_parties}
    currencies = {c for _, c in theirs} | {c for _, c in ours} | set(erp_accounts) | {d.currency for d in documents}
    return [
        _one_currency(
            module,
            erp_title,
            c,
            theirs,
            ours,
            erp_accounts.get(c),
            [h for h in held if h.currency == c and h.amount],
            [d for d in documents if d.currency == c],
        )
        for c in sorted(currencies)
    ]


def _one_currency(
    module: Module,
    erp_title: str,
    currency: str,
    theirs: Mapping[tuple[str, str], PartyFigure],
    ours: Mapping[tuple[str, str], PartyFigure],
    account: Decimal | None,
    held: Sequence[HeldDocument],
    documents: Sequence[DocumentBreak],
) -> Result:
    zero = Decimal(0)
    explained: dict[str, Decimal] = defaultdict(Decimal)
    held_by_party: dict[str, list[HeldDocument]] = defaultdict(list)
    for one in documents:
        for party, amount in one.by_party.items():
            explained[party] += amount
    for h in held:
        held_by_party[h.party_external_id].append(h)
    breaks = [one.found for one in documents]
    parties_amount = ledger_amount = zero
    parties = {p for p, c in theirs if c == currency} | {p for p, c in ours if c == currency} | set(explained)
    for party in sorted(parties):
        there, here = theirs.get((party, currency)), ours.get((party, currency))
        erp_amount = there.amount if there else zero
        own_amount = here.amount if here else zero
        parties_amount += erp_amount
        ledger_amount += own_amount
        if there or here:
            breaks += _party_breaks(erp_title, there, here, explained[party], held_by_party[party])
        elif explained[party]:
            nobody = PartyFigure(party, f"party {party}", currency, zero)
            breaks += _party_breaks(erp_title, nobody, None, explained[party], held_by_party[party])
    if account is not None and account != parties_amount:
        breaks.append(
            Break(
                Cause.UNEXPLAINED,
                account - parties_amount,
                f"{erp_title}'s own {module.title.lower()} account says {account:,.2f} {currency}, "
                f"the balances it reports for its {module.party} add up to {parties_amount:,.2f}",
                identity="account",
                kind="account",
            )
        )
    return Result(
        currency=currency,
        ledger_amount=ledger_amount,
        erp_amount=parties_amount if account is None else account,
        parties_amount=parties_amount,
        breaks=tuple(breaks),
    )


def _party_breaks(
    erp_title: str,
    there: PartyFigure | None,
    here: PartyFigure | None,
    explained: Decimal,
    held: Sequence[HeldDocument],
) -> list[Break]:
    """What is left of a party's difference once its documents' are taken off: held documents, then the rest."""
    party = there or here
    assert party is not None
    erp_amount = there.amount if there else Decimal(0)
    own_amount = here.amount if here else Decimal(0)
    breaks = [
        Break(
            Cause.MISSING_IN_LEDGER,
            h.amount,
            f"{h.entity}/{h.external_id} of {party.name} is held: {h.reason}",
            party.external_id,
            party.name,
            identity=f"{h.entity}/{h.external_id}",
            kind="held",
            entity=h.entity,
            external_id=h.external_id,
        )
        for h in held
    ]
    accounted = explained + sum((b.amount for b in breaks), Decimal(0))
    rest = erp_amount - own_amount - accounted
    if not rest:
        return breaks
    figures = (
        f"{erp_title} reports {erp_amount:,.2f} {party.currency} for {party.name}; the documents it lists "
        f"add up to {own_amount + accounted:,.2f}"
    )
    cause, says = (
        (Cause.MISSING_IN_LEDGER, f"{figures}: {rest:,.2f} stands in no document it lists")
        if abs(erp_amount) > abs(own_amount + accounted)
        else (Cause.MISSING_IN_ERP, f"{figures}: {-rest:,.2f} is in documents that its own balance does not count")
    )
    breaks.append(
        Break(cause, rest, says, party.external_id, party.name, identity=f"party/{party.external_id}", kind="balance")
    )
    return breaks
