"""Small pictures for asset pages: PNG as Markdown, well under the 50 kB that an event row should carry."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal


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
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    encoded = base64.b64encode(picture.getvalue()).decode()
    return f"![{title}, open amount over time](data:image/png;base64,{encoded})"
