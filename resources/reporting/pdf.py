"""A report as one printed page (A4), whatever it has to say: what does not fit is counted, with where to find it.

Belongs here: the layout. Every list has a height of its own and the breaks take what is left. Amounts are right-aligned
in figures of one width. The letters are DejaVu Sans, which comes with matplotlib and is embedded: Latin, Greek,
Cyrillic, Arabic, Armenian, Georgian and more; a letter that it lacks (Chinese, Japanese, Korean, Thai and the scripts
of India) is printed as a box, and the page says so: the HTML has every name in full.

fpdf2 is pure Python and lays nothing out by itself that a table of figures needs otherwise; what lays out HTML
(WeasyPrint) needs libraries of the system, and a browser must not be needed to run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from ledger.ageing import BUCKETS
from ledger.reconcile import MODULES
from resources.reporting.figures import Report
from resources.stores.reports import Point

MARGIN, BOTTOM, LINE = 14.0, 14.0, 4.6
INK, FAINT, RULE, RED, GREEN, AMBER = (
    (30, 30, 34),
    (110, 110, 118),
    (205, 205, 210),
    (176, 32, 36),
    (24, 112, 64),
    (168, 104, 0),
)
TOTALS_MAX, CAUSES_MAX, TO_DO_MAX, TOLD_MAX, TRENDS_MAX = 8, 6, 5, 2, 6
BOX = "\u25af"
FONT = "DejaVu"


def pdf(report: Report) -> bytes:
    """The page. The same report gives the same bytes."""
    page = _Page(report)
    page.head()
    page.to_do()
    page.totals()
    page.causes_and_ageing()
    page.trends()
    page.told()
    page.breaks()
    page.foot()
    return page.bytes()


def amount(value: Decimal | None) -> str:
    """1,234.50; at least two digits after the point and all there are."""
    if value is None:
        return "not known"
    digits = -int(value.normalize().as_tuple().exponent)
    return f"{value:,.{max(2, digits)}f}"


@cache
def _letters() -> frozenset[int]:
    """Every letter the font has."""
    from fontTools.ttLib import TTFont

    with TTFont(_font_file(""), lazy=True) as font:
        return frozenset(font.getBestCmap())


def _font_file(style: str) -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{style}.ttf"


def _largest(rows: Sequence[tuple[str, str, str, int, Decimal]], number: int) -> list:
    """The first of each module and currency, then the second of each, until it is so many; in their own order."""
    place: dict[tuple[str, str], int] = {}
    ranked = []
    for i, row in enumerate(rows):
        place[row[:2]] = place.get(row[:2], 0) + 1
        ranked.append((place[row[:2]], i))
    return [rows[i] for _, i in sorted(sorted(ranked)[:number], key=lambda one: one[1])]


class _Page:
    def __init__(self, report: Report) -> None:
        from fpdf import FPDF

        self.report = report
        self.has_boxes = False
        self.doc = FPDF(format="A4")
        self.doc.set_auto_page_break(False)
        self.doc.set_margin(MARGIN)
        self.doc.set_creation_date(report.cutoff_at)
        self.doc.set_title(f"Reconciliation of {report.connection}, run {report.run_id}")
        self.doc.set_producer("Tieout")
        self.doc.set_lang("en")
        self.doc.add_font(FONT, "", _font_file(""))
        self.doc.add_font(FONT, "B", _font_file("-Bold"))
        # Arabic letters take their form from their neighbours, and stand from right to left.
        self.doc.set_text_shaping(True)
        self.doc.add_page()
        self.width = self.doc.epw

    def bytes(self) -> bytes:
        assert self.doc.pages_count == 1
        return bytes(self.doc.output())

    # -- writing -------------------------------------------------------------------------------------------------------

    def _font(self, size: float, style: str = "", color: tuple[int, int, int] = INK) -> None:
        self.doc.set_font(FONT, style, size)
        self.doc.set_text_color(*color)

    def _shown(self, text: str) -> str:
        """The text in letters that the font has, on one line."""
        flat = " ".join(text.split())
        known = "".join(one if ord(one) in _letters() else BOX for one in flat)
        self.has_boxes |= known != flat
        return known

    def _cut(self, text: str, width: float) -> str:
        """As much of a text as a width takes, with an ellipsis where that is not all."""
        text = self._shown(text)
        if self.doc.get_string_width(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.doc.get_string_width(text[:middle].rstrip() + "…") <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"

    def _cell(self, x: float, width: float, text: str, *, is_right: bool = False, height: float = LINE) -> None:
        self.doc.set_xy(x, self.doc.get_y())
        self.doc.cell(width, height, self._cut(text, width - 1.5), align="R" if is_right else "L")

    def _down(self, height: float = LINE) -> None:
        self.doc.set_xy(MARGIN, self.doc.get_y() + height)

    def _title(self, text: str, x: float = MARGIN, width: float | None = None) -> None:
        self._font(8.5, "B")
        self._cell(x, width or self.width, text)

    def _rule(self, x: float, width: float) -> None:
        self.doc.set_draw_color(*RULE)
        self.doc.set_line_width(0.2)
        self.doc.line(x, self.doc.get_y(), x + width, self.doc.get_y())

    def _table(
        self,
        x: float,
        widths: Sequence[float],
        titles: Sequence[str],
        rows: Sequence[Sequence[str]],
        right: Sequence[int],
        color: Callable[[Sequence[str], int], tuple[int, int, int]] = lambda row, i: INK,
    ) -> None:
        """Rows of one line each, from where the page stands; leaves it below them."""
        self._font(7, "", FAINT)
        at = x
        for i, (title, width) in enumerate(zip(titles, widths, strict=True)):
            self._cell(at, width, title, is_right=i in right)
            at += width
        self._down()
        self._rule(x, sum(widths))
        for row in rows:
            at = x
            for i, (text, width) in enumerate(zip(row, widths, strict=True)):
                self._font(7.5, "", color(row, i))
                self._cell(at, width, text, is_right=i in right)
                at += width
            self._down()

    def _more(self, number: int, where: str, *, width: float | None = None) -> None:
        if number > 0:
            self._font(7, "", FAINT)
            self._cell(MARGIN, width or self.width, f"and {number:,} more {where}")
            self._down()

    # -- the parts of the page -----------------------------------------------------------------------------------------

    def head(self) -> None:
        r = self.report
        self._font(15, "B")
        self._cell(MARGIN, self.width, r.company_name, height=7)
        self._down(7)
        self._font(8, "", FAINT)
        aged = f" · aged on {r.as_of}" if r.as_of else ""
        self._cell(
            MARGIN,
            self.width,
            f"Reconciliation of {r.connection} ({r.erp_title}), run {r.run_id} · compared at "
            f"{r.cutoff_at:%Y-%m-%d %H:%M:%S} UTC{aged}",
        )
        self._down(6.2)
        loud = GREEN if r.ties_out else RED
        self.doc.set_fill_color(*loud)
        self.doc.rect(MARGIN, self.doc.get_y(), 1.4, 7, style="F")
        self._font(11, "B", loud)
        self._cell(MARGIN + 3, self.width - 3, r.verdict, height=7)
        self._down(10)

    def to_do(self) -> None:
        steps = self.report.to_do
        self._title("What to do next")
        self._down(5)
        for step in steps[:TO_DO_MAX]:
            self._font(8)
            self._cell(MARGIN, 4, "•")
            self._wrapped(MARGIN + 4, self.width - 4, step, lines_max=2)
        self._more(len(steps) - TO_DO_MAX, "in the HTML and the JSON of this report")
        self._down(2)

    def _wrapped(self, x: float, width: float, text: str, *, lines_max: int) -> None:
        words, lines = self._shown(text).split(" "), [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if self.doc.get_string_width(longer) <= width - 1.5 or not lines[-1]:
                lines[-1] = longer
            elif len(lines) < lines_max:
                lines.append(word)
            else:
                # Too long by so much that the cell cuts it.
                lines[-1] = longer
        for line in lines:
            self._cell(x, width, line)
            self._down(4.2)

    def totals(self) -> None:
        totals = self.report.totals
        self._title("Totals of both books")
        self._down(5)
        self._table(
            MARGIN,
            (46, 18, 35, 35, 30, 18),
            ("", "currency", "ledger", self.report.erp_title, "difference", "breaks"),
            [
                (
                    MODULES[t.module].title,
                    t.currency,
                    amount(t.ledger_amount),
                    amount(t.erp_amount),
                    amount(t.difference_amount),
                    f"{t.break_count:,}",
                )
                for t in totals[:TOTALS_MAX]
            ],
            right=(2, 3, 4, 5),
            color=lambda row, i: RED if i == 4 and row[4].strip("-0.,") else INK,
        )
        if not totals:
            self._font(8, "", FAINT)
            self._cell(MARGIN, self.width, "None: nothing was compared.")
            self._down()
        self._more(len(totals) - TOTALS_MAX, "in the CSV of this report")
        self._down(3)

    def causes_and_ageing(self) -> None:
        top = self.doc.get_y()
        gap = 6.0
        left = 80.0
        rows = self.report.by_cause
        self._title("Breaks by cause", width=left)
        self._down(5)
        if rows:
            self._table(
                MARGIN,
                (8, 11, 30, 8, 23),
                ("", "", "cause", "", "amount"),
                [(m.upper(), c, cause, f"{n:,}", amount(a)) for m, c, cause, n, a in _largest(rows, CAUSES_MAX)],
                right=(3, 4),
            )
            self._more(len(rows) - CAUSES_MAX, "in the JSON of this report", width=left)
        else:
            self._font(8, "", FAINT)
            self._cell(MARGIN, left, "No break.")
            self._down()
        end = self.doc.get_y()
        self.doc.set_xy(MARGIN, top)
        self._ageing(MARGIN + left + gap, self.width - left - gap)
        self.doc.set_xy(MARGIN, max(end, self.doc.get_y()) + 3)

    def _ageing(self, x: float, width: float) -> None:
        r = self.report
        self._title(f"Ageing, in {r.home_currency or 'the home currency'}", x, width)
        self._down(5)
        if not r.aged:
            self._font(8, "", FAINT)
            self._cell(x, width, "Not known: nothing was aged.")
            self._down()
            return
        column = (width - 16) / (2 * len(r.aged))
        titles = ["past due", *(f"{m.upper()} {who}" for m in r.aged for who in ("ledger", "ERP"))]
        rows = [
            (
                bucket,
                *(
                    amount(value)
                    for of_bucket in r.aged.values()
                    for value in (of_bucket[bucket].ledger_amount, of_bucket[bucket].reported_amount)
                ),
            )
            for bucket in BUCKETS
        ]
        self._table(x, [16, *[column] * (2 * len(r.aged))], titles, rows, right=range(1, 2 * len(r.aged) + 1))

    def trends(self) -> None:
        if not self.report.trend:
            return
        self._title("Open amounts over the last reconciliations (ledger; the ERP's red where it differs)")
        self._down(5)
        lines = list(self.report.trend.items())
        width = self.width / 3
        top = self.doc.get_y()
        for i, ((module, currency), points) in enumerate(lines[:TRENDS_MAX]):
            self.doc.set_xy(MARGIN, top + 15 * (i // 3))
            self._trend(MARGIN + width * (i % 3), width - 4, f"{module.upper()} {currency}", points)
        rows = (min(len(lines), TRENDS_MAX) + 2) // 3
        self.doc.set_xy(MARGIN, top + 15 * rows)
        self._more(len(lines) - TRENDS_MAX, "in the JSON of this report")
        self._down(1.5)

    def _trend(self, x: float, width: float, title: str, points: Sequence[Point]) -> None:
        y, height = self.doc.get_y() + 4.5, 7.0
        self._font(7, "", FAINT)
        self._cell(x, width * 0.62, f"{title}, since {points[0].at:%Y-%m-%d}")
        self._font(7)
        self._cell(x + width * 0.62, width * 0.38, amount(points[-1].ledger_amount), is_right=True)
        # Places on paper, not money.
        values = [float(v) for p in points for v in (p.ledger_amount, p.erp_amount)]
        low, high = min(0.0, *values), max(values)
        scale = height / (high - low) if high > low else 0.0
        step = width / max(len(points) - 1, 1)

        def place(i: int, value: Decimal) -> tuple[float, float]:
            return x + step * i, y + height - (float(value) - low) * scale

        for color, of in ((RED, lambda p: p.erp_amount), (INK, lambda p: p.ledger_amount)):
            self.doc.set_draw_color(*color)
            self.doc.set_line_width(0.35)
            line = [place(i, of(p)) for i, p in enumerate(points)]
            if len(line) == 1:
                line.append((x + width, line[0][1]))
            self.doc.polyline(line)
        self.doc.set_xy(x, y + height)
        self._rule(x, width)

    def told(self) -> None:
        told = self.report.told
        if not told:
            return
        self._title("To know when reading this")
        self._down(5)
        for one in told[:TOLD_MAX]:
            self._font(7.5, "", RED if one.is_blocking else INK)
            self._cell(MARGIN, 38, f"{one.module.upper()} {one.code}")
            self._wrapped(MARGIN + 38, self.width - 38, one.says, lines_max=2)
        self._more(len(told) - TOLD_MAX, "in the HTML and the JSON of this report")
        self._down(2)

    def breaks(self) -> None:
        """As many as there is room for, the loudest first."""
        seen = self.report.seen
        if not seen:
            return
        self._title(f"Breaks, the loudest first ({len(seen):,})")
        self._down(5)
        room = int((self.doc.h - BOTTOM - 6 - self.doc.get_y() - LINE) // LINE)
        fits = len(seen) if len(seen) <= room else max(room - 1, 0)
        self._table(
            MARGIN,
            (11, 15, 28, 31, 97),
            ("id", "severity", "amount", "cause", "what differs"),
            [
                (
                    str(b.break_id or ""),
                    b.severity if b.state == "open" else b.state,
                    f"{amount(b.amount)} {b.currency}",
                    b.cause,
                    f"{b.party_name}: {b.says}" if b.party_name and b.party_name not in b.says else b.says,
                )
                for b in seen[:fits]
            ],
            right=(2,),
            color=lambda row, i: {"critical": RED, "warning": AMBER}.get(row[1], INK) if i == 1 else INK,
        )
        self._more(len(seen) - fits, f"in the CSV of this report and by `tieout breaks list {self.report.connection}`")

    def foot(self) -> None:
        self.doc.set_xy(MARGIN, self.doc.h - BOTTOM)
        self._rule(MARGIN, self.width)
        self._font(6.5, "", FAINT)
        boxes = f" {BOX}: a letter not in this font; see the HTML." if self.has_boxes else ""
        self._cell(
            MARGIN,
            self.width,
            "Differences: the ERP's less the ledger's. Currencies are never added; home amounts at each document's "
            f"rate.{boxes}",
        )
