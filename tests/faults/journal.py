"""The simulator's journal of effects held against the intents that the product keeps: no effect without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.faults.world import World


def effects_without_intent(world: World, effects: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Every effect of a request of ours has an intent that was kept before it, whatever became of it since."""
    kept = world.rows("select entity, key, batch_key, marker, external_id from sync.outbox")
    keys = {one["key"] for one in kept} | {one["batch_key"] for one in kept}
    kinds = world.erp.kinds
    written_to = {(kinds[one["entity"]].wire, one["external_id"]) for one in kept if one["entity"] in kinds}
    markers = {f"[tieout:{one['marker']}]" for one in kept}
    for line in effects:
        if line["origin"] == "edit" or line["replay"]:
            continue
        is_known = line["key"] in keys or (line["entity"], line["id"]) in written_to
        if not is_known and line["marker"].split("\n")[-1] not in markers:
            yield f"6: {line['operation']} {line['entity']}/{line['id']} happened, and no intent says so"
