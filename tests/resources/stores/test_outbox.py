"""Intents in the outbox: what is sent again is the same request as before."""

from __future__ import annotations

from resources.stores import outbox


def intent(number: int) -> dict[str, object]:
    return {
        "entity": "invoices",
        "ledger_id": number,
        "ledger_version": 1,
        "operation": "create",
        "key": f"key-{number}",
        "marker": None,
        "batch_key": "batch",
        "external_id": None,
        "version_token": None,
        "body": "{}",
        "record": "{}",
    }


def test_a_batch_goes_again_in_the_order_in_which_it_went(transaction):
    with transaction() as tx:
        rows = [intent(3), intent(1), intent(2)]
        first = outbox.commit(tx, tenant="default", connection="qbo", run_id=None, intents=rows)
    with transaction() as tx:
        outbox.postpone(tx, first[0].intent_id, state="sent", seconds=0, answer="no answer")

    with transaction() as tx:
        again = outbox.sending_again(tx, [one.intent_id for one in first], alone=False)

    assert [one.key for one in again] == [one.key for one in first] == ["key-3", "key-1", "key-2"]
