"""What can happen to a request: rules for the simulator, told to it right before the product runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True)
class Requests:
    """Which requests of an ERP are meant, as fault rules say it: those that write, those that read (the feed of changes
    and lists), those by which a census lists, and the refresh of a token.
    """

    write: Rule
    read: Rule
    listing: Rule
    token: Rule


WRITE, READ, LISTING, TOKEN = ({"of": which} for which in ("write", "read", "listing", "token"))

FAULTS: dict[str, list[dict[str, Any]]] = {
    "request_lost": [{**WRITE, "drop": "before", "count": 1}],
    "answer_lost": [{**WRITE, "drop": "after", "count": 1}],
    "answer_lost_thrice": [{**WRITE, "drop": "after", "count": 3}],
    "late": [{**WRITE, "late": {"requests": 3}, "count": 1}],
    "very_late": [{**WRITE, "late": {}, "count": 1}],
    "copy_comes_later": [{**WRITE, "late": {"requests": 2}, "duplicate": True, "count": 1}],
    "twice": [{**WRITE, "duplicate": True, "count": 1}],
    "error_before": [{**WRITE, "answer": "server_error", "count": 1}],
    "error_after": [{**WRITE, "answer": "server_error", "carried_out": True, "count": 1}],
    "unavailable": [{**WRITE, "answer": "unavailable", "count": 2}],
    "gateway_timeout_after": [{**WRITE, "answer": "gateway_timeout", "carried_out": True, "count": 1}],
    "throttled": [{**WRITE, "answer": "throttled", "count": 2}],
    "throttled_reading": [{**READ, "answer": "throttled", "count": 2}],
    "truncated": [{**WRITE, "truncate_bytes": 40, "count": 1}],
    "truncated_quietly": [{**WRITE, "truncate_bytes": 40, "truncate_quietly": True, "count": 1}],
    "truncated_reading": [{**READ, "truncate_bytes": 60, "count": 1}],
    "reset_midway": [{**WRITE, "truncate_bytes": 10, "reset": True, "count": 1}],
    "page_of_html": [{**WRITE, "answer": "html_200", "carried_out": True, "count": 1}],
    "fault_in_200": [{**WRITE, "answer": "error_200", "count": 1}],
    "token_expired": [{**WRITE, "answer": "unauthorized", "count": 1}],
    "token_expired_reading": [{**READ, "answer": "unauthorized", "count": 1}],
    "token_answer_lost": [
        {**WRITE, "answer": "unauthorized", "count": 1},
        {**TOKEN, "drop": "after", "count": 1},
    ],
    "reading_lost": [{**READ, "drop": "after", "count": 2}],
    "reading_down": [{**READ, "answer": "unavailable", "count": 12}],
    "listing_down": [{**LISTING, "answer": "unavailable", "count": 12}],
}
# Those that only an answer to a question can meet.
READING = (
    "throttled_reading",
    "truncated_reading",
    "token_expired_reading",
    "reading_lost",
    "reading_down",
    "listing_down",
)


def rules(fault: str, requests: Requests) -> list[Rule]:
    """The rules of a fault for the requests of one ERP."""
    return [{**getattr(requests, rule["of"]), **_without_of(rule)} for rule in FAULTS.get(fault, ())]


def _without_of(rule: Mapping[str, Any]) -> Rule:
    return {key: value for key, value in rule.items() if key != "of"}
