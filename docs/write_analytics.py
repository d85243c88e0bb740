"""Writes docs/analytics.md from what the views say of themselves: `python docs/write_analytics.py`.

A test holds the page equal to this. The worked queries are the files of `sql/queries/`, which the tests run.
"""

from __future__ import annotations

from pathlib import Path

from resources.stores.views import View, views

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "analytics.md"
QUERIES = ROOT / "sql" / "queries"
# What is made of several entities, in the order in which somebody new would look; all others are the entities.
ASKED_FIRST = (
    *("ar_aging", "ap_aging", "open_documents", "customer_balances", "vendor_balances", "cash_collected"),
    *("days_to_pay", "sync_health", "error_summary", "data_quality", "reconciliation_history", "delta_savings"),
)

_INTRO = """\
# Analytics

Schema `analytics` is what analysts read: the books as views, the same whichever ERP a record came from. For a login:

```
tieout db url --role analyst
```

Give that URL to psql or a BI tool. It reads these views and nothing else, and of them the rows of its tenant.

- The views hold no data of their own, so they are as new as the last sync; nothing has to be refreshed. In Dagster each
  is an asset, `analytics/<view>`, with its columns, what every column comes from, and how many rows it has (job
  `analytics`, nightly).
- Currencies are never added. Amounts named `home` are in the company's own currency, at each document's own rate; they
  are empty where a rate is missing.
- Deleted records are left out; void documents are there, with `is_void`.
- "Today" is the day in UTC.
- A query pays for what it asks: a name that is not selected is not looked up.

This page is written by `docs/write_analytics.py` from the comments of the views, which psql shows as well:
`\\d+ analytics.ar_aging`.
"""


def page() -> str:
    """The text of docs/analytics.md."""
    known = {view.name: view for view in views()}
    others = [view for name, view in sorted(known.items()) if name not in ASKED_FIRST]
    return "\n".join(
        [
            _INTRO,
            "## Six questions\n",
            *(_query(path) for path in sorted(QUERIES.glob("*.sql"))),
            "## What is asked most\n",
            *(_view(known[name]) for name in ASKED_FIRST),
            "## Records and their parts\n",
            *map(_view, others),
        ]
    )


def _query(path: Path) -> str:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    return f"### {title.removeprefix('-- ')}\n\n```sql\n{text.strip()}\n```\n"


def _view(view: View) -> str:
    rows = "\n".join(f"| `{c.name}` | {c.type} | {c.says} |" for c in view.columns)
    return f"### `{view.name}`\n\n{view.says}\n\n| column | type | |\n|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
