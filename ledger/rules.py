"""Rules read as Python: the same declaration that Postgres checks row by row, checked on a record in memory.

Belongs here: the small closed language in which `Rule.sql` is written, as functions of a record. Rules are declared in
`ledger/entities/`; Postgres evaluates them in `resources/quality.py`. Nothing here is evaluated as code: a rule that
uses a word this language does not have is refused when it is first read.

    rule       = all { "or" all }                    all  = denied { "and" denied }
    denied     = "not" denied | comparison
    comparison = sum [ "is" ["not"] "null" | "between" sum "and" sum | ( = <> < <= > >= ~ ) sum ]
    sum        = value { ( + | - ) value }
    value      = column | number | 'text' | true | false | null | ("least" | "greatest" | "abs")( sum, ... ) | ( rule )

As in SQL, whatever is compared with null is unknown, and a rule that is unknown does not hold.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from ledger.spec import EntitySpec, Record, Rule, SpecError

Term = Callable[[Record], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<word>\w+)|(?P<sign><>|<=|>=|[-=<>~+(),]))"
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    # Postgres' `$` ends the text, Python's also stands before a last line feed.
    "~": lambda value, pattern: re.search(pattern.replace("$", r"\Z"), value) is not None,
}
# As in SQL these pass nulls over.
_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {"least": min, "greatest": max, "abs": lambda given: abs(given[0])}
_CONSTANTS = {"true": True, "false": False, "null": None}


def broken_rules(spec: EntitySpec, record: Record) -> tuple[Rule, ...]:
    """The rules of the entity that the record breaks, in the order of their declaration."""
    return tuple(rule for rule in spec.rules if predicate(rule.sql)(record) is not True)


@cache
def predicate(rule: str) -> Term:
    """A rule as a function of a record: True, False, or None where SQL says null. Raises SpecError."""
    return _Reader(rule).read()


class _Reader:
    """Reads one rule from left to right; each method reads one line of the grammar above."""

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while rule[at:].strip():
            found = _TOKEN.match(rule, at)
            if found is None:
                raise self._refused(rule[at:])
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._tokens.append(("end", ""))

    def read(self) -> Term:
        term = self._any()
        if self._tokens[0][0] != "end":
            raise self._refused(self._tokens[0][1])
        return term

    def _any(self) -> Term:
        terms = [self._all()]
        while self._took("or"):
            terms.append(self._all())
        return terms[0] if len(terms) == 1 else lambda r: _disjunction([t(r) for t in terms])

    def _all(self) -> Term:
        terms = [self._denied()]
        while self._took("and"):
            terms.append(self._denied())
        return terms[0] if len(terms) == 1 else lambda r: _negation(_disjunction([_negation(t(r)) for t in terms]))

    def _denied(self) -> Term:
        if self._took("not"):
            term = self._denied()
            return lambda r: _negation(term(r))
        return self._comparison()

    def _comparison(self) -> Term:
        left = self._sum()
        if self._took("is"):
            is_denied = self._took("not")
            self._expect("null")
            return lambda r: (left(r) is None) is not is_denied
        if self._took("between"):
            low = self._sum()
            self._expect("and")
            high = self._sum()
            return _known(lambda value, least, most: least <= value <= most, left, low, high)
        sign = self._tokens[0][1]
        if self._tokens[0][0] == "sign" and sign in _COMPARISONS:
            self._tokens.pop(0)
            return _known(_COMPARISONS[sign], left, self._sum())
        return left

    def _sum(self) -> Term:
        term = self._value()
        while self._tokens[0] in (("sign", "+"), ("sign", "-")):
            _, sign = self._tokens.pop(0)
            term = _known(operator.add if sign == "+" else operator.sub, term, self._value())
        return term

    def _value(self) -> Term:
        kind, token = self._tokens.pop(0)
        if kind == "text":
            return _constant(token[1:-1].replace("''", "'"))
        if kind == "number":
            return _constant(Decimal(token))
        if kind == "sign" and token == "(":
            term = self._any()
            self._expect(")")
            return term
        if kind != "word":
            raise self._refused(token)
        if token in _CONSTANTS:
            return _constant(_CONSTANTS[token])
        if not self._took("("):
            return operator.attrgetter(token)
        if token not in _FUNCTIONS:
            raise self._refused(token)
        function, given = _FUNCTIONS[token], [self._sum()]
        while self._took(","):
            given.append(self._sum())
        self._expect(")")

        def call(record: Record) -> Any:
            values = [value for term in given if (value := term(record)) is not None]
            return function(values) if values else None

        return call

    def _took(self, token: str) -> bool:
        is_next = self._tokens[0][0] in ("word", "sign") and self._tokens[0][1] == token
        if is_next:
            self._tokens.pop(0)
        return is_next

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise self._refused(self._tokens[0][1])

    def _refused(self, found: str) -> SpecError:
        return SpecError(f"rule {self._rule!r}: found {found!r}, expected what ledger/rules.py can read")


def _constant(value: Any) -> Term:
    return lambda record: value


def _known(function: Callable[..., Any], *terms: Term) -> Term:
    def apply(record: Record) -> Any:
        values = [term(record) for term in terms]
        return None if None in values else function(*values)

    return apply


def _negation(value: bool | None) -> bool | None:
    return None if value is None else not value


def _disjunction(values: list[bool | None]) -> bool | None:
    if True in values:
        return True
    return None if None in values else False
