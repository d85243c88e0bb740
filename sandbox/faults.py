"""Faults on demand: which calls of a simulator are to go wrong, and how.

Belongs here: the rules and their counting. Acting on a rule (waiting, cutting the connection) is `host.py`. Faults an
ERP raises because a request is wrong belong to that ERP.
"""

import fnmatch
import re
from typing import Any, Literal

import msgspec


class FaultRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One rule of `POST /_sandbox/faults`; the first rule that applies to a call is used.

    `method` (any when missing) and `path` (a glob such as `/v3/*/query`, or a regular expression when it starts with
    `^`; the query string counts as part of the path, and may be left out of the pattern) choose the calls; of those,
    `nth` hits exactly one (1 is the next), `from` and `count` hit a stretch, and a rule with neither hits all.
    `contains` asks for a text in the request's body.

    What happens: `delay_seconds` before the request is looked at, `drop` "before" (the connection closes, nothing was
    done) or "after" (it was done, the answer is lost), `status` + `body` + `headers` answered in place of the real
    thing, `truncate_bytes` of the real answer sent and then the connection closed, `duplicate`: the request is
    carried out twice and the second answer is given.
    """

    method: str | None = None
    path: str = "*"
    contains: str | None = None
    nth: int | None = None
    first: int | None = msgspec.field(name="from", default=None)
    count: int | None = None
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = {}
    delay_seconds: float = 0.0
    drop: Literal["before", "after"] | None = None
    truncate_bytes: int | None = None
    duplicate: bool = False

    def matches(self, method: str, path: str, query: str, body: bytes) -> bool:
        if self.method is not None and self.method.upper() != method:
            return False
        if self.contains is not None and self.contains.encode() not in body and self.contains not in query:
            return False
        targets = (path, f"{path}?{query}")
        if self.path.startswith("^"):
            return any(re.search(self.path, target) for target in targets)
        return any(fnmatch.fnmatchcase(target, self.path) for target in targets)

    def hits(self, ordinal: int) -> bool:
        """Whether the `ordinal`-th matching call (from 1) is to go wrong."""
        if self.nth is not None:
            return ordinal == self.nth
        first = self.first if self.first is not None else 1
        return first <= ordinal and (self.count is None or ordinal < first + self.count)


class Faults:
    """The rules in force, with how often each has matched."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._seen: list[int] = []

    def replace(self, rules: list[FaultRule]) -> None:
        """Put `rules` in place of all present ones; an empty list ends all faults."""
        self._rules, self._seen = list(rules), [0] * len(rules)

    def report(self) -> list[dict[str, Any]]:
        """Each rule as given, with `matched`: how many calls it has seen."""
        return [
            {**msgspec.to_builtins(rule), "matched": seen} for rule, seen in zip(self._rules, self._seen, strict=True)
        ]

    def rule_for(self, method: str, path: str, query: str, body: bytes) -> FaultRule | None:
        """The rule that is to spoil this call, if any.

        Every matching rule counts the call, also when another one is used.
        """
        chosen: FaultRule | None = None
        for position, rule in enumerate(self._rules):
            if not rule.matches(method, path, query, body):
                continue
            self._seen[position] += 1
            if chosen is None and rule.hits(self._seen[position]):
                chosen = rule
        return chosen
