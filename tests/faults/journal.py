"""The simulator's journal of effects held against the intents that the product keeps: no effect without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.faults.world import World


def effects_without_intent(world: World, effects: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Every effect of a request of ours has an intent that was kept before it, whatever became of it since."""
    kept = world.rows("select entity, key, batch_key, marker, external_id from sync.outbox")
    keys = {key for one in kept for key in (one["key"], one["batch_key"]) if key}
    kinds = world.erp.kinds
    written_to = {
        world.erp.written_to(kinds[one["entity"]], one["external_id"])
        for one in kept
        if one["entity"] in kinds and one["external_id"]
    }
    markers = {one["marker"] for one in kept if one["marker"]}
    for line in effects:
        if line["origin"] == "edit" or line["replay"]:
            continue
        # Some say the key together with more.
        is_known = any(key in line["key"] for key in keys) or (line["entity"], line["id"]) in written_to
        if not is_known and world.erp.marker_in(line["marker"]) not in markers:
            yield f"6: {line['operation']} {line['entity']}/{line['id']} happened, and no intent says so"
