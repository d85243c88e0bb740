"""A report as one HTML file that needs nothing else: it reads well on a screen and prints on a page or more.

Belongs here: the markup. It has every statement, every step and every name in full; of the breaks it shows the first
hundred, and says how many more there are and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from ledger.ageing import BUCKETS
from ledger.reconcile import MODULES
from resources.reporting.figures import Report
from resources.reporting.pdf import amount
from resources.stores.reports import Point

SHOWN_MAX = 100
_STYLE = """
@page { size: A4; margin: 14mm }
body { font: 14px/1.45 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; color: #1e1e22; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem }
.faint { color: #6e6e76 } .verdict { font-size: 1.2rem; font-weight: 600; padding-left: .8rem; margin: 1rem 0 }
.good { color: #187040; border-left: 5px solid } .bad { color: #b02024; border-left: 5px solid }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 400; color: #6e6e76; border-bottom: 1px solid #cdcdd2 }
th, td { padding: .15rem .6rem .15rem 0; vertical-align: top } .n { text-align: right; white-space: nowrap }
.critical, .blocking { color: #b02024 } .warning { color: #a86800 } ul { margin: 0; padding-left: 1.2rem }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem }
.trends { display: flex; flex-wrap: wrap; gap: 1rem 2rem }
figure { margin: 0; width: 15rem } figcaption { font-size: .85em }
th:first-child, td:first-child { white-space: nowrap }
@media print { body { font-size: 9px; line-height: 1.3; margin: 0; padding: 0; max-width: none } h1 { font-size: 16px }
  h2 { font-size: 10px; margin: .9em 0 .2em } p { margin: .3em 0 } .verdict { font-size: 12px; margin: .5em 0 }
  .trends { gap: .4em 1.2em } figure { width: 30% } svg { width: 100%; height: auto } tr { break-inside: avoid } }
"""


def html(report: Report) -> bytes:
    """The file. The same report gives the same bytes."""
    r = report
    aged = f" · aged on the evening of {r.as_of}" if r.as_of else ""
    parts = [
        f"<h1>{_text(r.company_name)}</h1>",
        f'<p class="faint">Reconciliation of {_text(r.connection)} ({_text(r.erp_title)}), run {r.run_id} · compared '
        f"at {r.cutoff_at:%Y-%m-%d %H:%M:%S} UTC{aged}</p>",
        f'<p class="verdict {"good" if r.ties_out else "bad"}">{_text(r.verdict)}</p>',
        "<h2>What to do next</h2>",
        f"<ul>{''.join(f'<li>{_text(step)}</li>' for step in r.to_do)}</ul>",
        "<h2>Totals of both books</h2>",
        _table(
            ("", "currency", "ledger", r.erp_title, "difference", "breaks"),
            (
                (
                    MODULES[t.module].title,
                    t.currency,
                    *map(amount, (t.ledger_amount, t.erp_amount, t.difference_amount)),
                    f"{t.break_count:,}",
                )
                for t in r.totals
            ),
            figures=range(2, 6),
        ),
        '<div class="pair"><div><h2>Breaks by cause</h2>',
        _table(
            ("", "", "cause", "", "amount"),
            ((m.upper(), c, cause, f"{n:,}", amount(a)) for m, c, cause, n, a in r.by_cause),
            figures=(3, 4),
        )
        if r.seen
        else '<p class="faint">No break.</p>',
        f"</div><div><h2>Ageing, in {_text(r.home_currency or 'the home currency')}</h2>",
        _ageing(r),
        "</div></div>",
        _trends(r),
        _told(r),
        _breaks(r),
        "<p class=\"faint\">Differences: the ERP's less the ledger's. Currencies are never added; home amounts at each "
        "document's own rate.</p>",
    ]
    title = f"Reconciliation of {r.connection}, run {r.run_id}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>\n'
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    ).encode()


def _text(value: str) -> str:
    return escape(value, quote=True)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], figures: Iterable[int] = ()) -> str:
    """Cells are text, or a pair of (class, text)."""
    right = set(figures)

    def cell(tag: str, i: int, value: str | tuple[str, str]) -> str:
        style, text = value if isinstance(value, tuple) else ("n" if i in right else "", value)
        # Names may be written from right to left; each cell goes its own way.
        return f'<{tag}{f" class={style}" * bool(style)} dir="auto">{_text(text)}</{tag}>'

    head = "".join(cell("th", i, title) for i, title in enumerate(titles))
    body = "".join("<tr>" + "".join(cell("td", i, v) for i, v in enumerate(row)) + "</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"


def _ageing(r: Report) -> str:
    if not r.aged:
        return '<p class="faint">Not known: nothing was aged.</p>'
    titles = ["past due", *(f"{m.upper()} {who}" for m in r.aged for who in ("ledger", r.erp_title))]
    rows = [
        [
            bucket,
            *(amount(v) for one in r.aged.values() for v in (one[bucket].ledger_amount, one[bucket].reported_amount)),
        ]
        for bucket in BUCKETS
    ]
    return _table(titles, rows, figures=range(1, len(titles)))


def _trends(r: Report) -> str:
    if not r.trend:
        return ""
    figures = "".join(_trend(f"{m.upper()} {currency}", points) for (m, currency), points in r.trend.items())
    title = "Open amounts over the last reconciliations (ledger; the ERP's red where it differs)"
    return f'<h2>{title}</h2><div class="trends">{figures}</div>'


def _trend(title: str, points: Sequence[Point]) -> str:
    wide, high = 240, 40
    values = [value for p in points for value in (p.ledger_amount, p.erp_amount)]
    low, top = min(Decimal(0), *values), max(values)
    scale = Decimal(high) / (top - low) if top > low else Decimal(0)

    def line(color: str, of: Sequence[Decimal]) -> str:
        doubled = [*of, *of] if len(of) == 1 else of
        step = wide / (len(doubled) - 1)
        places = " ".join(f"{step * i:.1f},{high + 1 - (v - low) * scale:.1f}" for i, v in enumerate(doubled))
        return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="1.5"/>'

    drawn = line("#b02024", [p.erp_amount for p in points]) + line("#1e1e22", [p.ledger_amount for p in points])
    said = f"{title}, since {points[0].at:%Y-%m-%d}: {amount(points[-1].ledger_amount)}"
    return (
        f'<figure><figcaption>{_text(said)}</figcaption><svg viewBox="0 0 {wide} {high + 2}" width="{wide}" '
        f'height="{high + 2}" role="img" aria-label="{_text(said)}">{drawn}</svg></figure>'
    )


def _told(r: Report) -> str:
    if not r.told:
        return ""
    rows = ((m.module.upper(), ("blocking" if m.is_blocking else "", m.code), m.says) for m in r.told)
    return "<h2>To know when reading this</h2>" + _table(("", "", ""), rows)  # type: ignore[arg-type]


def _breaks(r: Report) -> str:
    if not r.seen:
        return ""
    rows = (
        (
            str(b.break_id or ""),
            (b.severity if b.state == "open" else "", b.severity if b.state == "open" else b.state),
            f"{amount(b.amount)} {b.currency}",
            b.cause,
            b.party_name or "",
            b.says,
            b.owner or "",
        )
        for b in r.seen[:SHOWN_MAX]
    )
    table = _table(("id", "severity", "amount", "cause", "party", "what differs", "owner"), rows, figures=(2,))  # type: ignore[arg-type]
    rest = len(r.seen) - SHOWN_MAX
    command = f"tieout breaks list {r.connection}"
    more = (
        f"<p>and {rest:,} more in the CSV of this report and by <code>{_text(command)}</code></p>" if rest > 0 else ""
    )
    return f"<h2>Breaks, the loudest first ({len(r.seen):,})</h2>{table}{more}"
