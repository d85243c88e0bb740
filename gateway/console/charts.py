"""Charts as SVG, drawn on the server: bars over equal steps of time, with an axis that has few and round numbers.

Belongs here: where each bar stands. Colours are classes of the stylesheet; every figure stands in a table below a chart
as well, for whoever cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from resources.stores.sync_health import Health, Period, Step

WIDTH, WIDTH_OF_WIDE, HEIGHT = 480, 980, 170
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 24
BARS_GAP = 2.0
_TICKS_MAX = 4
_LABELS_MAX, _LABELS_MAX_OF_WIDE = 4, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a stacked bar; `says` is read out, and shown while the pointer is on it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`ticks` are (y, text), `labels` (x, text)."""

    title: str
    says: str
    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]
    labels: Sequence[tuple[float, str]]
    is_empty: bool
    legend: Sequence[tuple[str, str]] = ()
    is_wide: bool = False
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM


def runs(health: Health) -> Chart:
    """Runs that went well with those that failed on top of them."""
    return _chart(
        health,
        "Runs",
        [("good", "went well", lambda s: s.done), ("bad", "failed", lambda s: s.failed)],
        unit="",
        is_wide=True,
    )


def calls(health: Health) -> Chart:
    return _chart(health, "Calls to the ERPs", [("plain", "calls", lambda s: s.api_calls)], unit="")


def seconds(health: Health) -> Chart:
    """How long a run took on average."""

    def mean(step: Step) -> float:
        ended = step.done + step.failed
        return step.seconds / ended if ended else 0.0

    return _chart(health, "Seconds a run took", [("plain", "seconds on average", mean)], unit=" s")


def _chart(
    health: Health,
    title: str,
    kinds: Sequence[tuple[str, str, Callable[[Step], float]]],
    *,
    unit: str,
    is_wide: bool = False,
) -> Chart:
    steps, width = health.steps, WIDTH_OF_WIDE if is_wide else WIDTH
    values = [[of(step) for _, _, of in kinds] for step in steps]
    top = _round_up(max((sum(stack) for stack in values), default=0))
    if not unit:
        # Half a run is no tick.
        top = max(top, float(_TICKS_MAX))
    across, up = (width - LEFT - RIGHT) / len(steps), HEIGHT - TOP - BOTTOM
    bars: list[Bar] = []
    for place, (step, stack) in enumerate(zip(steps, values, strict=True)):
        floor = float(HEIGHT - BOTTOM)
        for (kind, word, _), value in zip(kinds, stack, strict=True):
            if value <= 0:
                continue
            height = up * value / top
            floor -= height
            says = f"{step.begins_at:%d %b %H:%M}: {_number(value)}{unit} {word}".strip()
            bars.append(
                Bar(
                    round(LEFT + place * across + BARS_GAP / 2, 2),
                    round(floor, 2),
                    round(max(across - BARS_GAP, 1), 2),
                    round(max(height, 1), 2),
                    kind,
                    says,
                )
            )
    ticks = [
        (round(HEIGHT - BOTTOM - up * n / _TICKS_MAX, 2), _number(top * n / _TICKS_MAX)) for n in range(_TICKS_MAX + 1)
    ]
    every = math.ceil(len(steps) / (_LABELS_MAX_OF_WIDE if is_wide else _LABELS_MAX))
    labels = [
        (round(LEFT + (place + 0.5) * across, 2), _when(step.begins_at, health.period))
        for place, step in enumerate(steps)
        if place % every == 0
    ]
    most = [max((stack[n] for stack in values), default=0) for n in range(len(kinds))]
    says = "; ".join(f"at most {_number(value)}{unit} {word}" for (_, word, _), value in zip(kinds, most, strict=True))
    legend = [(kind, word) for kind, word, _ in kinds] if len(kinds) > 1 else []
    return Chart(
        title, f"{title}, {health.period.title.lower()}: {says}", bars, ticks, labels, not bars, legend, is_wide, width
    )


def _when(at: datetime, period: Period) -> str:
    if period.step_seconds < 6 * 3600:
        return f"{at:%H:%M}"
    return f"{at:%d %b}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _round_up(value: float) -> float:
    """The next of 4, 8, 12, 20, 40, 80, 120 ...; below that one of their tenths: a quarter of it is short to write."""
    if value <= 0:
        return 4.0
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    return next(step * size for step in (4, 8, 12, 20, 40, 80, 120) if step * size >= value)
