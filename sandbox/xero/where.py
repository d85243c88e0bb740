"""The `where` and `order` expressions of lists: from their text to the keys they choose.

Belongs here: the grammar and its evaluation over the columns of one table. Which lists obey `where` is
`resources.py`. Facts: reference section 4; the body of a refused expression is not confirmed.
"""

import operator
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero.store import Table, canonical_path
from sandbox.xero.wire import bad_query, ms_of

Test = Callable[[str], bool]
Value = Callable[[str], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|>=|<=|&&|\|\||[=<>().,!]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_METHODS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "equals": lambda text, part: text == part,
}


def plain(value: Any) -> Any:
    """A text without case and accents, as the service compares; anything else as it is."""
    if not isinstance(value, str):
        return value
    if value.isascii():
        return value.casefold()
    folded = unicodedata.normalize("NFKD", value.casefold())
    return "".join(each for each in folded if not unicodedata.combining(each))


class _Parser:
    """Recursive descent over one expression: OR of ANDs of comparisons."""

    def __init__(self, text: str, table: Table) -> None:
        self._table, self._text = table, text
        self._tokens = list(_tokens(text))
        self._at = 0
        self.equalities: list[tuple[str, Any]] | None = []
        """Conditions that hold for every chosen record, for the index; None once an OR was seen."""

    def parse(self) -> Test:
        test = self._any()
        if self._at < len(self._tokens):
            raise self._wrong()
        return test

    def _wrong(self) -> Exception:
        near = " ".join(text for _, text in self._tokens[self._at : self._at + 3]) or "the end"
        return bad_query(f"The where expression could not be parsed near {near}: {self._text}")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *texts: str) -> bool:
        if self._peek().lower() in texts:
            self._at += 1
            return True
        return False

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise self._wrong()

    def _any(self) -> Test:
        tests = [self._all()]
        while self._take("or", "||"):
            self.equalities = None
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda key: any(test(key) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._take("and", "&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda key: all(test(key) for test in tests)

    def _one(self) -> Test:
        if self._take("!"):
            self.equalities = None
            inner = self._one()
            return lambda key: not inner(key)
        if self._take("("):
            inner = self._any()
            self._need(")")
            return inner
        left, path = self._operand()
        sign = self._peek()
        if sign in ("=", "==", "!="):
            self._at += 1
            right, _ = self._operand()
            if sign == "!=":
                return lambda key: not _same(left(key), right(key))
            if path is not None and self.equalities is not None:
                self.equalities.append((path, right("")))
            return lambda key: _same(left(key), right(key))
        if sign in _COMPARE:
            self._at += 1
            compare, (right, _) = _COMPARE[sign], self._operand()
            return lambda key: _ordered(compare, left(key), right(key))
        return lambda key: left(key) is True

    def _operand(self) -> tuple[Value, str | None]:
        """A function from a key to a value, and the path where it is a bare property."""
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if not kind or kind == "sign":
            raise self._wrong()
        self._at += 1
        if kind == "text":
            return _constant(re.sub(r"\\(.)", r"\1", text[1:-1])), None
        if kind == "number":
            return _constant(Decimal(text)), None
        lowered = text.lower()
        if lowered in ("true", "false", "null"):
            return _constant({"true": True, "false": False, "null": None}[lowered]), None
        if lowered in ("guid", "datetime") and self._peek() == "(":
            return _constant(self._literal(lowered)), None
        return self._property(text)

    def _literal(self, kind: str) -> Any:
        self._need("(")
        given = []
        while not self._take(")"):
            if self._at >= len(self._tokens):
                raise self._wrong()
            given.append(self._tokens[self._at][1])
            self._at += 1
            self._take(",")
        try:
            if kind == "guid":
                return given[0].strip('"').lower()
            return ms_of(datetime(*(int(each) for each in given), tzinfo=UTC))
        except (ValueError, IndexError, TypeError) as error:
            raise self._wrong() from error

    def _property(self, name: str) -> tuple[Value, str | None]:
        parts, value, is_bare = [name], None, True
        while self._take("."):
            if self._at >= len(self._tokens):
                raise self._wrong()
            part = self._tokens[self._at][1]
            self._at += 1
            if self._peek() != "(":
                parts.append(part)
                continue
            is_bare = False
            value = self._call(value or self._column(parts), part.lower())
        return value or self._column(parts), self._path(parts) if is_bare else None

    def _call(self, subject: Value, method: str) -> Value:
        self._need("(")
        argument = None if self._peek() == ")" else self._operand()[0]
        self._need(")")
        if method in ("tolower", "toupper", "trim") and argument is None:
            return subject
        if method not in _METHODS or argument is None:
            raise self._wrong()
        test = _METHODS[method]

        def call(key: str) -> bool:
            text, part = plain(subject(key)), plain(argument(key))
            return isinstance(text, str) and isinstance(part, str) and test(text, part)

        return call

    def _path(self, parts: list[str]) -> str:
        path = canonical_path(self._table.resource.singular, ".".join(parts))
        if path is None:
            raise bad_query(
                f"No property or field '{'.'.join(parts)}' exists in type '{self._table.resource.singular}'"
            )
        return path

    def _column(self, parts: list[str]) -> Value:
        return self._table.column(self._path(parts)).get


def _constant(value: Any) -> Value:
    return lambda key: value


def _tokens(text: str) -> Iterable[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise bad_query(f"The where expression could not be parsed near {text[at : at + 20]}: {text}")
        at = found.end()
        assert found.lastgroup is not None
        yield found.lastgroup, found[found.lastgroup]


def _same(left: Any, right: Any) -> bool:
    return plain(left) == plain(right)


def _ordered(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if left is None or right is None:
        return False
    try:
        return compare(plain(left), plain(right))
    except TypeError:
        return False


def choose(text: str, table: Table) -> set[str]:
    """The keys of the records an expression holds for. Raises Problem (QueryParseException)."""
    parser = _Parser(text, table)
    test = parser.parse()
    candidates: Iterable[str] = table.rows
    # The index folds case only, so it helps where no accent can make more records equal.
    for path, value in parser.equalities or ():
        if isinstance(value, str) and value.isascii() and path.endswith(("ID", "Status", "Type")):
            found = table.equal(path, value)
            if not isinstance(candidates, set) or len(found) < len(candidates):
                candidates = found
    return {key for key in candidates if test(key)}


def sort_order(text: str, table: Table) -> list[str]:
    """All keys by an `order` expression (`Date DESC, InvoiceNumber`); absent values first, ties by id.

    Raises Problem.
    """
    keys = sorted(table.rows)
    for part in reversed(text.split(",")):
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1].upper() not in ("ASC", "DESC")):
            raise bad_query(f"The order expression could not be parsed: {text}")
        path = canonical_path(table.resource.singular, words[0])
        if path is None:
            raise bad_query(f"No property or field '{words[0]}' exists in type '{table.resource.singular}'")
        column = table.column(path)
        keys.sort(key=lambda key: _sortable(column.get(key)), reverse=len(words) == 2 and words[1].upper() == "DESC")
    return keys


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (2, plain(value)) if isinstance(value, str) else (1, value)
