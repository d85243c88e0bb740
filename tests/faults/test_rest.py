"""The rest of a write in doubt is really waited for, in the schedules over an ERP that forgets its keys soon."""

from __future__ import annotations

from typing import Any

from tests.faults.faults import rules
from tests.faults.hands import Hands
from tests.faults.world import World


def intent_of(world: World) -> dict[str, Any]:
    return world.rows("select * from sync.outbox order by intent_id desc limit 1")[0]


def pass_time(world: World, seconds: int) -> None:
    world.control("clock", {"advance_seconds": seconds})
    world.let_intents_age(seconds)


def test_a_write_in_doubt_whose_key_may_be_forgotten_is_sent_again_only_when_nothing_of_it_can_arrive(
    xero_world: World,
):
    world = xero_world
    world.reset()
    forgotten_seconds, over_seconds = world.erp.rest_seconds or (0, 0)
    hands = Hands(world, 1)
    bill = hands.writer.insert(
        "bills",
        [{"kind": "account", "account_code": "429", "amount": 10, "description": "goods"}],
        vendor_id=hands.ids[f"vendors/{world.erp.parties['vendors']}"],
        document_number="B-1",
        issue_date="2026-03-01",
        due_date="2026-03-31",
        currency="USD",
        net_amount=10,
        total_amount=10,
        open_amount=10,
    )
    dies = {"do": "push", "strike": {"point": "after_send", "nth": 1, "how": "kill"}}
    world.work(dies, fault="request_lost", rules=rules("request_lost", world.erp.requests))
    assert (intent_of(world)["ledger_id"], intent_of(world)["state"]) == (bill, "sent")

    pass_time(world, forgotten_seconds)
    world.work({"do": "push"})

    assert (intent_of(world)["state"], intent_of(world)["attempts"]) == ("sent", 1)
    assert intent_of(world)["answer"].startswith("not found there; asked for again")

    pass_time(world, over_seconds)
    world.work({"do": "push"})

    assert (intent_of(world)["state"], intent_of(world)["attempts"]) == ("done", 2)
