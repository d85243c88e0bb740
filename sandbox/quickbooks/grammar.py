"""Reading a statement of QuickBooks' query language.

Belongs here: the grammar and the faults of statements that are wrong. Answering one is `query.py`. Facts: reference
section 4; the words of the faults 4000 and 4001 as captured.
"""

import re
from dataclasses import dataclass
from datetime import date

from sandbox.quickbooks.fields import canonical_path, property_at
from sandbox.quickbooks.spec import BY_LOWER_NAME, Entity
from sandbox.quickbooks.wire import Refusal

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:\\.|[^'\\])*')|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<operator><=|>=|!=|<>|=|<|>)|(?P<mark>[(),*;])|(?P<other>\S))",
    re.DOTALL,
)
_KEYWORDS = frozenset(
    "select from where and in like orderby order by asc desc startposition maxresults count null true false".split()  # noqa: SIM905
)

LAST_UPDATED = "MetaData.LastUpdatedTime"
_TIMES = ("MetaData.CreateTime", LAST_UPDATED)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: a canonical property path, an operator (= != < > <= >= in like) and its values as texts."""

    path: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    entity: Entity
    is_count: bool
    conditions: tuple[Condition, ...]
    order: tuple[tuple[str, bool], ...]
    start: int
    rows_max: int


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 0
    while match := _TOKEN.match(text, position):
        kind = match.lastgroup or "other"
        start = match.start(kind)
        before = text[:start]
        tokens.append(Token(kind, match.group(kind), before.count("\n") + 1, start - before.rfind("\n")))
        position = match.end()
    end = text.rstrip()
    tokens.append(Token("end", "", end.count("\n") + 1, len(end) - end.rfind("\n")))
    return tokens


class _Parser:
    def __init__(self, text: str, page_rows_cap: bool) -> None:
        self.tokens, self.position, self.caps = _tokens(text), 0, page_rows_cap

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def refuse(self, *expected: str) -> Refusal:
        token = self.token
        image = {
            "end": "<EOF>",
            "string": "<STRING_LITERAL>",
            "number": "<INTEGER_LITERAL>",
            "word": "<IDENTIFIER>",
        }.get(token.kind, f'"{token.text}"')
        if token.kind == "word" and token.text.lower() in _KEYWORDS:
            image = f'"{token.text.lower()}"'
        wanted = "Was expecting one of:" if len(expected) > 1 else "Was expecting:"
        places = "".join(f"\n    {each} ..." for each in expected)
        return Refusal(
            "4000",
            f'QueryParserError: Encountered " {image} "{token.text} "" at line {token.line}, column {token.column}.\n'
            f"{wanted}{places}\n    ",
        )

    def keyword(self, *words: str) -> bool:
        """Step over these words if they come next."""
        ahead = self.tokens[self.position : self.position + len(words)]
        if [t.text.lower() for t in ahead if t.kind == "word"] != list(words):
            return False
        self.position += len(words)
        return True

    def mark(self, text: str) -> bool:
        if self.token.text != text or self.token.kind not in ("mark", "operator"):
            return False
        self.position += 1
        return True

    def identifier(self) -> str:
        token = self.token
        if token.kind != "word" or token.text.lower() in _KEYWORDS - {"count", "order", "by", "asc", "desc"}:
            raise self.refuse("<IDENTIFIER>")
        self.position += 1
        return token.text

    def value(self) -> str:
        token = self.token
        if token.kind == "string":
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
        elif token.kind == "number" or (
            token.kind == "word" and token.text.lower() in ("true", "false", "current_date")
        ):
            text = token.text
        else:
            raise self.refuse("<STRING_LITERAL>", '"true"', '"false"', "<INTEGER_LITERAL>")
        self.position += 1
        return text

    def start(self) -> int:
        """A STARTPOSITION; 0 counts as 1. Seen by clients of the service: routablehq/python-quickbooks pull request 177
        (2020-02-28), intuit/QuickBooks-V3-DotNET-SDK issue 111 (2019-11-19), hotgluexyz/tap-quickbooks (rest.py).
        """
        if self.token.kind == "number" and self.token.text == "0":
            self.position += 1
            return 1
        return self.integer(None)

    def integer(self, most: int | None) -> int:
        token = self.token
        if token.kind != "number" or not re.fullmatch(r"-?\d+", token.text):
            raise self.refuse("<INTEGER_LITERAL>")
        self.position += 1
        number = int(token.text)
        if number < 1:
            raise Refusal("4001", f"QueryValidationError: value {number} is too small. Min allowed value is 1")
        if most is not None and number > most:
            if not self.caps:
                raise Refusal("4001", f"QueryValidationError: value {number} is too large. Max allowed value is {most}")
            number = most
        return number

    def statement(self, today: date) -> Statement:
        if not self.keyword("select"):
            raise self.refuse('"select"')
        is_count, projection = self._projection()
        if not self.keyword("from"):
            raise self.refuse('"from"')
        name = self.identifier()
        raw_conditions = []
        if self.keyword("where"):
            raw_conditions.append(self._condition())
            while self.keyword("and"):
                raw_conditions.append(self._condition())
        raw_order: list[tuple[str, bool]] = []
        start, rows_max = 1, 100
        while self.token.kind != "end":
            if not raw_order and (self.keyword("orderby") or self.keyword("order", "by")):
                raw_order = [self._order()]
                while self.mark(","):
                    raw_order.append(self._order())
            elif self.keyword("startposition"):
                start = self.start()
            elif self.keyword("maxresults"):
                rows_max = self.integer(1000)
            elif self.mark(";") and self.token.kind == "end":
                break
            else:
                raise self.refuse("<EOF>", '"and"', '"orderby"', '"startposition"', '"maxresults"')
        entity = BY_LOWER_NAME.get(name.lower())
        if entity is None or not entity.allows("query"):
            raise Refusal("4001", f"QueryValidationError: invalid context declaration: {name}")
        for path in projection:
            _known(entity, path)
        conditions = tuple(
            Condition(
                _filterable(entity, path),
                operator,
                tuple(today.isoformat() if v.lower() == "current_date" else v for v in values),
            )
            for path, operator, values in raw_conditions
        )
        for condition in conditions:
            if condition.path == "Id" and condition.operator not in ("=", "in"):
                raise Refusal(
                    "4001", f"QueryValidationError: operator {condition.operator} is not supported for property Id"
                )
            wrong = [value for value in condition.values if not value.isdigit()] if condition.path == "Id" else []
            if wrong and entity.name != "TaxCode":
                # Captured for the empty text (flowlink/quickbooks_integration, spec/vcr/App/add_vendor, 2019-05-20);
                # tax codes alone have Ids that are no numbers.
                raise Refusal("2030", f"Id should be a valid number. Supplied value:{wrong[0]}", element="Id")
        order = tuple((_sortable(entity, path), descending) for path, descending in raw_order)
        return Statement(entity, is_count, conditions, order, start, rows_max)

    def _projection(self) -> tuple[bool, list[str]]:
        if self.token.text.lower() == "count" and self.tokens[self.position + 1].text == "(":
            self.position += 2
            if not self.mark("*"):
                raise self.refuse('"*"')
            if not self.mark(")"):
                raise self.refuse('")"')
            return True, []
        paths: list[str] = []
        while True:
            if not self.mark("*"):
                path = self.identifier()
                paths.append(path)
                if path.endswith("."):
                    self.mark("*")
            if not self.mark(","):
                return False, [path.rstrip(".") for path in paths]

    def _condition(self) -> tuple[str, str, tuple[str, ...]]:
        path = self.identifier()
        if self.keyword("in"):
            if not self.mark("("):
                raise self.refuse('"("')
            values = [self.value()]
            while self.mark(","):
                values.append(self.value())
            if not self.mark(")"):
                raise self.refuse('")"', '","')
            return path, "in", tuple(values)
        if self.keyword("like"):
            return path, "like", (self.value(),)
        if self.token.kind != "operator":
            raise self.refuse('"="', '"<"', '">"', '"<="', '">="', '"in"', '"like"')
        operator = "!=" if self.token.text == "<>" else self.token.text
        self.position += 1
        return path, operator, (self.value(),)

    def _order(self) -> tuple[str, bool]:
        path = self.identifier()
        if self.keyword("desc"):
            return path, True
        self.keyword("asc")
        return path, False


def _known(entity: Entity, path: str) -> str:
    if property_at(entity, path) is None:
        raise Refusal("4001", f"QueryValidationError: Property {path} not found for Entity {entity.name}")
    return canonical_path(entity, path)


def _filterable(entity: Entity, path: str) -> str:
    known = _known(entity, path)
    if known in entity.filterable.split():
        return known
    root = known.removesuffix(".value").removesuffix(".Address")
    if root != "Id" and root not in _TIMES and root not in entity.filterable.split():
        raise Refusal("4001", f"QueryValidationError: property '{path}' is not queryable")
    return root


def _sortable(entity: Entity, path: str) -> str:
    known = _known(entity, path)
    if known != "Id" and known not in _TIMES and known not in entity.sortable.split():
        raise Refusal("4001", f"QueryValidationError: property '{path}' is not sortable")
    return known


def parse(text: str, today: date, *, cap_page: bool = False) -> Statement:
    """Read one statement. Raises Refusal 4000 (grammar) or 4001 (unknown or unsuitable names and values).

    `cap_page`: MAXRESULTS above 1000 means 1000 instead of a fault.
    """
    return _Parser(text, cap_page).statement(today)
