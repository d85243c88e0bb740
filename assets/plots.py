"""Small pictures for asset pages: PNG as Markdown, well under the 50 kB that an event row should carry."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ledger.ageing import HomeRow, by_bucket

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def trend_plot(title: str, points: Sequence[tuple[datetime, str, Decimal]]) -> str:
    """Open amounts over time, one line a currency, as a Markdown image; points are (instant, currency, amount)."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for currency in sorted({currency for _, currency, _ in points}):
        line = [(at, amount) for at, c, amount in points if c == currency]
        axes.plot([at for at, _ in line], [amount for _, amount in line], marker="o", markersize=3, label=currency)
    axes.set_title(f"{title}, open amount", fontsize=10, loc="left")
    axes.set_ylim(bottom=min(0, *(amount for _, _, amount in points)) if points else 0)
    instants = [at for at, _, _ in points]
    if instants and max(instants) - min(instants) < timedelta(days=1):
        # A first point alone would stand in the middle of four years.
        axes.set_xlim(min(instants) - timedelta(hours=12), max(instants) + timedelta(hours=12))
    axes.xaxis.set_major_formatter(ConciseDateFormatter(AutoDateLocator()))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if points:
        axes.legend(fontsize=8, frameon=False)
    figure.autofmt_xdate(rotation=0, ha="center")
    return _as_markdown(figure, f"{title}, open amount over time")


def ageing_plot(title: str, rows: Iterable[HomeRow], currency: str) -> str:
    """Both books and the ERP's report by days past due, side by side; what is not known has no bar."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    buckets = by_bucket(rows)
    books = {
        "ledger": [row.ledger_amount for row in buckets.values()],
        "mirror": [row.mirror_amount for row in buckets.values()],
        "ERP report": [row.reported_amount for row in buckets.values()],
    }
    figure = Figure(figsize=(6.4, 2.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(books)
    for i, (book, amounts) in enumerate(books.items()):
        places = [at + width * (i - 1) for at in range(len(buckets))]
        axes.bar(places, [amount or 0 for amount in amounts], width=width, label=book)
    axes.set_title(f"{title} by days past due, {currency}", fontsize=10, loc="left")
    axes.set_xticks(range(len(buckets)), list(buckets))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, frameon=False)
    return _as_markdown(figure, f"{title} by days past due")


def _as_markdown(figure: Figure, says: str) -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    encoded = base64.b64encode(picture.getvalue()).decode()
    return f"![{says}](data:image/png;base64,{encoded})"
