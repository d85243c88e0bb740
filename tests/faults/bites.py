"""A schedule for each way of breaking the protocol, made to find it out: whatever chance does, it is found.

Belongs here: the steps, and why they bite. What is broken is `mutants.py`. Each of these holds in the product as it is.
"""

from __future__ import annotations

from typing import Any

from tests.faults.schedule import Step


def _at(point: str, how: str = "kill") -> dict[str, Any]:
    return {"point": point, "nth": 1, "how": how}


def _steps(*steps: tuple[str, dict[str, Any]]) -> list[Step]:
    return [Step(place, what, **said) for place, (what, said) in enumerate(steps)]


def _push(**said: Any) -> tuple[str, dict[str, Any]]:
    return "work", {"run": "push", **said}


def _delta(**said: Any) -> tuple[str, dict[str, Any]]:
    return "work", {"run": "delta", **said}


# Bills have no number of their own over there and may be made twice; a day is longer than any key is remembered.
_A_BILL = ("make_here", {"of": "bills"})

BITES: dict[str, list[Step]] = {
    "no_intent": _steps(_A_BILL, _push(strike=_at("after_send"))),
    "no_probe": _steps(_A_BILL, _push(fault="error_after", strike=_at("after_send")), _push(long_while=True)),
    "deletion_unasked": _steps(
        ("make_here", {"of": "purchase_orders"}),
        _push(strike=_at("after_send")),
        *[("end_there", {"of": "purchase_orders"})] * 4,
        _push(long_while=True),
    ),
    "new_key_on_retry": _steps(_A_BILL, _push(fault="very_late")),
    "fresh_token": _steps(("edit_both", {"of": "invoices"}), _push()),
    "watermark_before_page": _steps(
        ("make_there", {"of": "bills"}), _delta(long_while=True, strike=_at("page_fetched"))
    ),
    "after_instead_of_from": _steps(
        _delta(), ("make_there", {"of": "bills"}), _delta(), ("make_there", {"of": "bills"}), _delta()
    ),
    "offset_paging": _steps(
        *[("make_there", {"of": "customers"})] * 5, _delta(long_while=True, edit_meanwhile=True), _delta()
    ),
    "float_money": _steps(*[("make_there", {"of": "invoices"})] * 6, _delta()),
    "naive_time": _steps(("make_there", {"of": "bills"}), _delta()),
    "token_used_before_it_is_stored": _steps(
        _A_BILL, _push(fault="token_expired", strike=_at("before_record")), _push(long_while=True)
    ),
    "echo_is_an_edit": _steps(_A_BILL, _push()),
    # A day later, so that no overlap brings back with its documents who was buried.
    "census_deletes_on_a_partial_run": _steps(("work", {"run": "full", "fault": "listing_down", "long_while": True})),
    # One of them takes a vendor's name.
    "retry_on_400": _steps(*[("make_here", {"of": "customers"})] * 6, _push()),
    "lease_without_epoch": _steps(_A_BILL, _push(strike=_at("before_send", "zombie"))),
    "audit_outside_the_transaction": _steps(_A_BILL, _push(strike=_at("record_written"))),
    "last_writer_wins": _steps(("edit_both", {"of": "invoices"}), _delta()),
}
