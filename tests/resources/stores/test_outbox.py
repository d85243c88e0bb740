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


def test_the_key_of_a_batch_that_is_taken_apart_stands_for_nothing_any_more(transaction):
    with transaction() as tx:
        first = outbox.commit(
            tx, tenant="default", connection="qbo", run_id=None, intents=[intent(1), intent(2), intent(3)]
        )
        outbox.end(tx, first[0].intent_id, state="refused", answer="no")

    with transaction() as tx:
        (again,) = outbox.sending_again(tx, [first[1].intent_id], alone=True)
        (left,) = [one for one in outbox.open_intents(tx, "qbo") if one.intent_id == first[2].intent_id]

    assert (again.batch_key, left.batch_key) == (None, None)
