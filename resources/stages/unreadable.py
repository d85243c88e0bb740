"""Intents that can no longer be read: what is said of them, and how the ERP is asked whether they have happened.

Belongs here: words and questions. When they are held and dropped is decided in `doubts.py`, which reads them with
`resources/stores/intents.py`. Such an intent is held by itself and stays open, so that nothing else is said about its
row: it may have happened, and a Tieout that reads it again goes on with it. Dropped, it is looked for by what the row
says now, and by the marker, which is a column of its own.
"""

from __future__ import annotations

from resources.connector import Refusal, Wanted, Write
from resources.errors import ErrorKind
from resources.stages.composing import composed
from resources.stages.work import Work
from resources.stores import records
from resources.stores.intents import UnreadableIntentError
from resources.stores.outbox import Intent

# An older Tieout that is put back, or a newer one, may read it: until then nobody has to look often.
LOOKED_AT_AGAIN_SECONDS = 3600.0


def refusal_of(work: Work, intent: Intent, error: UnreadableIntentError, may_arrive_seconds: float = 0.0) -> Refusal:
    """Why it is held and what to do. `may_arrive_seconds`: asked for and not found, but too young to be over."""
    title, name = work.erp.title, work.connection.name
    found = f"{error.found}, in the intent to {intent.operation} it (version {intent.ledger_version})"
    if may_arrive_seconds:
        found += f", which {title} does not have and may still get"
    wait = f"wait {may_arrive_seconds / 60:.0f} minutes, then " if may_arrive_seconds else ""
    return Refusal(
        f"the intent's {error.part}",
        found,
        error.expected,
        f"{wait}`tieout push {name} --retry`: {title} is asked whether it has happened, and the row planned anew",
        ErrorKind.MAPPING,
    )


def asked_by_row(work: Work, intent: Intent) -> tuple[Write, Wanted]:
    """What to ask the ERP for instead of a create that cannot be read: the row as it is now, under the old marker."""
    with work.reading() as tx:
        kept = records.read(tx, work.connection.name, intent.entity, [intent.ledger_id])[intent.ledger_id]
    wanted = Wanted(intent.entity, intent.operation, kept.record, marker=intent.marker or "")
    body = composed(work.composer, wanted)
    # As the row would be written now; if it cannot be, only the marker tells.
    return Write(intent.entity, intent.operation, intent.key, body if isinstance(body, dict) else {}), wanted
