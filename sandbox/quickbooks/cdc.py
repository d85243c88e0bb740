"""Change data capture: what changed since a moment, with stubs of what was deleted.

Belongs here: `GET /cdc`, and CDCQuery in a batch, with its two limits (1000 objects over all entities without saying
so, 30 days). Facts: reference section 11.
"""

from bisect import bisect_left
from datetime import datetime, timedelta

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_LOWER_NAME
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal

OBJECTS_MAX = 1000
LOOK_BACK = timedelta(days=30)


def changes(store: Store, switches: Switches, query: dict[str, str], began: datetime) -> bytes:
    """The encoded answer of one call. Raises Refusal for missing, unknown or unsupported arguments."""
    when = wire.envelope_time(began).encode()
    return b'{"CDCResponse":[' + response(store, switches, query, began) + b'],"time":"' + when + b'"}'


def response(store: Store, switches: Switches, query: dict[str, str], began: datetime) -> bytes:
    """The encoded CDCResponse alone, as a batch item has it. Raises Refusal.

    One group per entity named, in that order; live objects by LastUpdatedTime, then stubs. The first 1000 objects
    over all groups are given and the rest silently left out.
    """
    names = [name.strip() for name in query.get("entities", "").split(",") if name.strip()]
    if not names:
        raise Refusal("2020", "Required parameter entities is missing in the request", element="entities")
    if not query.get("changedSince"):
        raise Refusal("2020", "Required parameter changedSince is missing in the request", element="changedSince")
    try:
        since = wire.micros_of(query["changedSince"].replace(" ", "+"))
    except ValueError:
        raise Refusal(
            "2010", f"Property Name:changedSince specified is unsupported or invalid: {query['changedSince']}"
        ) from None
    horizon = wire.micros_of((began - LOOK_BACK).isoformat())
    if since < horizon and switches.cdc_older_than_30_days == "fault":
        raise Refusal("4001", "changedSince lies more than 30 days back")
    if since < horizon and switches.cdc_older_than_30_days == "omit":
        since = horizon
    first = since + (1 if switches.cdc_since == "exclusive" else 0)
    groups, left = [], OBJECTS_MAX
    for name in names:
        entity = BY_LOWER_NAME.get(name.lower())
        if entity is None:
            raise Refusal("4001", f"QueryValidationError: invalid context declaration: {name}")
        if not entity.cdc or (entity.name == "TimeActivity" and switches.cdc_time_activity == "refused"):
            raise Refusal("500", f"Operation CDC for {entity.name} is not supported.", element="")
        table = store.tables[entity.name]
        times = table.times()
        at = bisect_left(times, (first, -2, ""))
        live = [table.rows[moment[2]].raw for moment in times[at : at + left]]
        stubs = [raw for when, raw in sorted(table.stubs.values()) if when >= first][: left - len(live)]
        rows = live + stubs
        left -= len(rows)
        groups.append(_group(entity.name, rows, entity.totals))
    return b'{"QueryResponse":[' + b",".join(groups) + b"]}"


def _group(name: str, rows: list[bytes], has_total: bool) -> bytes:
    if not rows:
        return b"{}"
    counts = f'],"startPosition":1,"maxResults":{len(rows)}' + (f',"totalCount":{len(rows)}' if has_total else "") + "}"
    return b'{"' + name.encode() + b'":[' + b",".join(rows) + counts.encode()
