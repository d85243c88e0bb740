"""Faults on demand: which calls of a simulator are to go wrong, and how.

Belongs here: choosing calls, the rules and their counting. Acting on a rule (waiting, cutting the connection) is
`spoil.py`. Faults an ERP raises because a request is wrong belong to that ERP.
"""

import fnmatch
import re
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from sandbox.http import Request


class Match(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which calls are meant.

    `method` (any when missing) and `path` (a glob such as `*/query*`, or a regular expression when it starts with
    `^`; the query string counts as part of the path, and may be left out of the pattern) choose the calls, `contains`
    asks for a text in the query string or the body, `header` for globs in headers (`{"idempotency-key": "ab*"}`). Of
    those, `nth` hits exactly one (1 is the next), `from` and `count` hit a stretch; with neither all are hit.
    """

    method: str | None = None
    path: str = "*"
    contains: str | None = None
    header: dict[str, str] = {}
    nth: int | None = None
    first: int | None = msgspec.field(name="from", default=None)
    count: int | None = None

    def matches(self, request: Request) -> bool:
        if self.method is not None and self.method.upper() != request.method:
            return False
        wanted = self.contains
        if wanted is not None and wanted.encode() not in request.body and wanted not in request.query_string:
            return False
        for name, pattern in self.header.items():
            if not fnmatch.fnmatchcase(request.headers.get(name.lower(), ""), pattern):
                return False
        targets = (request.path, f"{request.path}?{request.query_string}")
        if self.path.startswith("^"):
            return any(re.search(self.path, target) for target in targets)
        return any(fnmatch.fnmatchcase(target, self.path) for target in targets)

    def hits(self, ordinal: int) -> bool:
        """Whether the `ordinal`-th matching call (from 1) is meant."""
        if self.nth is not None:
            return ordinal == self.nth
        first = self.first if self.first is not None else 1
        return first <= ordinal and (self.count is None or ordinal < first + self.count)


class Late(msgspec.Struct, forbid_unknown_fields=True):
    """When a late request takes effect: after `seconds` of the simulator's clock or `requests` more requests, or, with
    neither, when `POST /_sandbox/late` says so."""

    seconds: float | None = None
    requests: int | None = None


class FaultRule(Match, forbid_unknown_fields=True, kw_only=True):
    """One rule of `POST /_sandbox/faults`; the first rule that applies to a call is used.

    The calls are chosen as in Match; `until` (an instant) and `for_seconds` (from the moment the rule was given), both
    on the simulator's clock, end a rule, so a storm is `{"answer": "throttled", "count": 20}` or
    `{"status": 503, "for_seconds": 60}`.

    What happens, in this order:
    - `delay_seconds` pass before the request is looked at (`advance_seconds`: on the simulator's clock only);
    - `drop` "before": nothing is done, the connection closes;
    - `late`: the request is put aside and takes effect later, its answer is lost (with `duplicate`: it takes effect
      now, is answered, and takes effect once more later);
    - `duplicate`: the request is carried out twice and the second answer is given;
    - `status` + `body` + `headers`, or `answer` (one the ERP has by that name), is answered in place of the real thing,
      which is not carried out unless `carried_out`; `stored` has the ERP remember it under the request's key;
    - `answer_delay_seconds` pass before the answer is sent;
    - `drop` "after": the request was carried out, the answer is lost;
    - `truncate_bytes`: so much of the answer is sent, then the connection closes (`truncate_quietly`: the headers
      announce the short length, and the connection stays); `drip_bytes_per_second`: the answer trickles.
    A lost answer means that the connection closes; `hang_seconds` says that it first stays silent so long, `reset` that
    it is reset instead of closed (also when an answer is cut short).
    """

    until: datetime | None = None
    for_seconds: float | None = None
    delay_seconds: float = 0.0
    advance_seconds: float = 0.0
    drop: Literal["before", "after"] | None = None
    hang_seconds: float = 0.0
    reset: bool = False
    late: Late | None = None
    duplicate: bool = False
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = {}
    answer: str | None = None
    carried_out: bool = False
    stored: bool = False
    answer_delay_seconds: float = 0.0
    truncate_bytes: int | None = None
    truncate_quietly: bool = False
    drip_bytes_per_second: int | None = None


class Faults:
    """The rules in force, with how often each has matched."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._seen: list[int] = []

    def replace(self, rules: list[FaultRule], now: datetime) -> None:
        """Put `rules` in place of all present ones; an empty list ends all faults. Raises ValueError."""
        for rule in rules:
            if rule.until is not None and rule.until.tzinfo is None:
                raise ValueError(f"until is {rule.until.isoformat()}, it must have an offset such as Z")
            if rule.drip_bytes_per_second is not None and rule.drip_bytes_per_second < 1:
                raise ValueError(f"drip_bytes_per_second is {rule.drip_bytes_per_second}, it must be 1 or more")
            if rule.for_seconds is not None:
                rule.until = now + timedelta(seconds=rule.for_seconds)
        self._rules, self._seen = list(rules), [0] * len(rules)

    def report(self) -> list[dict[str, Any]]:
        """Each rule as given, with `matched`: how many calls it has seen."""
        return [
            {**msgspec.to_builtins(rule), "matched": seen} for rule, seen in zip(self._rules, self._seen, strict=True)
        ]

    def rule_for(self, request: Request, now: datetime) -> FaultRule | None:
        """The rule that is to spoil this call, if any.

        Every matching rule counts the call, also when another one is used.
        """
        chosen: FaultRule | None = None
        for position, rule in enumerate(self._rules):
            if (rule.until is not None and now >= rule.until) or not rule.matches(request):
                continue
            self._seen[position] += 1
            if chosen is None and rule.hits(self._seen[position]):
                chosen = rule
        return chosen
