"""Xero's published description of its API as a judge of both sides: of the requests our connector sends, and of the
answers that the simulator gives to them.

Belongs here: reading the description (kept beside the checkout), what one exchange must be by it, and MISTAKES: where
the description itself is wrong or says less than Xero's documentation and captured answers, and CORRECTIONS: what is
put right in it before it can judge, each with its reason. What stands between connector and simulator and hands the
exchanges over is `between.py`.

The description is read stricter than it says: a property or a query parameter that it does not name is a finding too,
for a word spelled wrongly would otherwise pass in silence.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.books import SHARED

FOLDER = SHARED / "reference" / "xero"
HOST = "https://api.xero.com"
ACCOUNTING = "/api.xro/2.0"
ABSENT = "Xero's published description is not kept beside this checkout"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAMP = re.compile(r"/Date\(-?\d+(\+0000)?\)/")
_VERBS = ("get", "put", "post", "delete")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding that is the description's own fault: `pattern` matches all of it. `why` names what says otherwise."""

    pattern: str
    why: str


_ENVELOPE = "the envelope of every captured answer, and of the description's own examples"
_CAPTURED = "captured answers have it (2020 to 2026)"
_EXAMPLE = "the description's own example of this call has it"
IN_OUR_CALLS = (
    Mistake(
        r"GET /\w+: request: If-Modified-Since: '[-\dT:]{19}' is not a 'date-time'",
        "it wants a zone; Xero's documentation gives the form yyyy-mm-ddThh:mm:ss, in UTC",
    ),
    Mistake(
        r"\w+ /\S+: answer (401|403|404|412|429|500|502|503|504): the status is not described",
        "it describes 200, 204 and 400 only; Xero's documentation of errors has the others",
    ),
    Mistake(r"\w+ /\S+: answer 200: (Id|Status|ProviderName|DateTimeUTC): a property not described", _ENVELOPE),
    Mistake(
        r"GET /Connections: answer 200: \[\]\.(created|updated)DateUtc: '[-\dT:.]{27}' is not a 'date-time'",
        "captured without a zone and with seven decimals (2020, 2022)",
    ),
    Mistake(
        r"\w+ /\S+: answer \d+: .*\b(DateString|DueDateString): a property not described",
        "always beside Date and DueDate in captured answers (2020, 2022)",
    ),
    Mistake(
        r"\w+ /(Invoices|CreditNotes|Overpayments)\S*: answer \d+: .*\bID: a property not described",
        _CAPTURED,
    ),
    Mistake(
        r"\w+ /\S+: answer \d+: .*LineItems\[\]\.Tracking\[\]\.Options: a property not described",
        _CAPTURED,
    ),
    Mistake(
        r"(PUT|POST) /\S+: answer \d+: .*LineItems\[\]\.ValidationErrors: a property not described",
        "the captured answers to writes have it, empty (2022)",
    ),
    Mistake(
        r"GET /TrackingCategories: answer 200: TrackingCategories\[\]\.Options\[\]\."
        r"(HasValidationErrors|IsDeleted|IsArchived|IsActive): a property not described",
        _CAPTURED,
    ),
    Mistake(
        r"GET /Prepayments\S*: answer 200: Prepayments\[\]\.ID: a property not described",
        _EXAMPLE,
    ),
    Mistake(
        r"\w+ /PurchaseOrders\S*: answer \d+: PurchaseOrders\[\]\."
        r"(DeliveryDateString|HasErrors|IsDiscounted|Type): a property not described",
        _EXAMPLE,
    ),
)
# In calls that our connector does not make; `every_call.py` does.
ELSEWHERE = (
    Mistake(
        r"(GET|PUT) /\S+/History: answer 200: HistoryRecords\[\]\.DateUTCString: a property not described",
        _EXAMPLE,
    ),
    Mistake(
        r"PUT /Prepayments/{PrepaymentID}/Allocations: answer 200: Allocations\[\]\.Prepayment\.ID: "
        "a property not described",
        _EXAMPLE,
    ),
    Mistake(
        r"(GET|PUT|POST|DELETE) /TrackingCategories/\S+: answer 200: (TrackingCategories\[\]\.)?Options\[\]\."
        r"(HasValidationErrors|IsDeleted|IsArchived|IsActive): a property not described",
        "captured answers have it (2022) where the list is read; nothing says that one category's options are others",
    ),
    Mistake(
        r"GET /\S+/Attachments/{AttachmentID}: answer 200: DataValidationError: Content for the following mimetype not "
        r"found: text/plain\. Valid mimetypes: \['application/octet-stream'\].*",
        "the header that it requires of this call, contentType, names the type of the file that is asked for",
    ),
    Mistake(
        r"(PUT|POST) /\S+/Attachments/{FileName}: request: : b'.*' is not (a 'byte'|of type 'string')",
        "Xero's documentation of attachments: the bytes of the file are the body, as they are",
    ),
)
MISTAKES = (*IN_OUR_CALLS, *ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Correction:
    """What is put right in the description before it judges: `make` does it and counts the places."""

    make: Callable[[Any], int]
    why: str


def _true_defaults(node: Any) -> int:
    """Defaults of booleans that are texts."""
    made = 0
    if isinstance(node, dict):
        if node.get("type") == "boolean" and isinstance(node.get("default"), str):
            node["default"] = node["default"] == "true"
            made = 1
        return made + sum(map(_true_defaults, node.values()))
    return sum(map(_true_defaults, node)) if isinstance(node, list) else 0


def _no_security(document: Any) -> int:
    """What is said of security, of the whole and of each call."""
    holders = [document, *(verbs.get(verb, {}) for verbs in document["paths"].values() for verb in _VERBS)]
    return sum(one.pop("security", None) is not None for one in holders)


CORRECTIONS = (
    Correction(_true_defaults, "a text is no boolean: by its own version of OpenAPI the file is not valid as it is"),
    Correction(
        _no_security,
        "its scopes are the broad ones that are going, and an OAuth2 flow is no form that openapi-core can check: that "
        "each request bears a token is looked for by the judge itself",
    ),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they went over the wire. `path` has its query; header names in lower case."""

    method: str
    path: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    answer_type: str
    answer_body: bytes


@dataclass
class _Request:
    """What openapi-core asks of a request."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None


@dataclass
class _Answer:
    """What openapi-core asks of a response."""

    data: bytes
    status_code: int
    content_type: str
    headers: Mapping[str, Any]


class Judge:
    """The description, read once. Of elements of answers that are alike in all it speaks of, one is looked at."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.corrected: Counter[Correction] = Counter()
        """In how many places each of the CORRECTIONS was made."""
        self._documents = [
            _read(folder / f"{name}.yaml", self.corrected) for name in ("xero_accounting", "xero-identity")
        ]
        accounting = self._documents[0]
        words = [word for words in _listed(accounting, "enum") if isinstance(words, list) for word in words]
        self._words = frozenset(map(str, words))
        self._lengths = sorted({limit for limit in _listed(accounting, "maxLength") if isinstance(limit, int)})
        self._readers: dict[str, OpenAPI] = {}
        self._judged: set[tuple[str, str, Any]] = set()
        self.seen: set[tuple[str, int]] = set()
        """Which operations were judged, with which status: ("PUT /Invoices", 200)."""
        self.excused: set[Mistake] = set()

    def findings(self, exchange: Exchange) -> list[str]:
        """What is wrong with an exchange, a sentence each, without what is the description's own mistake."""
        found = []
        for finding in self._findings(exchange):
            mistake = next((one for one in MISTAKES if re.fullmatch(one.pattern, finding)), None)
            if mistake is None:
                found.append(finding)
            else:
                self.excused.add(mistake)
        return found

    def _findings(self, exchange: Exchange) -> Iterator[str]:
        path, _, query = exchange.path.partition("?")
        document, template = self._found(path, exchange.method.lower())
        if template is None:
            yield f"{exchange.method} {path}: no such path is described"
            return
        name = f"{exchange.method} {template}"
        self.seen.add((name, exchange.status))
        if template not in self._readers:
            self._readers[template] = _reader_of(document, template)
        reader = self._readers[template]
        asked = parse_qsl(query, keep_blank_values=True)
        request = _Request(
            HOST,
            # Paths are case-insensitive there; the description has them in one spelling.
            path if path.startswith(ACCOUNTING) else template,
            exchange.method.lower(),
            RequestParameters(query=ImmutableMultiDict(asked), header=Headers(exchange.request_headers)),
            exchange.request_headers.get("content-type", ""),
            exchange.request_body or None,
        )
        if not exchange.request_headers.get("authorization", "").startswith("Bearer "):
            yield f"{name}: request: no bearer token"
        yield from (f"{name}: request: {said}" for said in _said(reader.iter_request_errors(request)))
        for unknown in sorted(dict(asked).keys() - _query_names(document, template, exchange.method)):
            yield f"{name}: request: the query parameter {unknown} is not described"
        answer = _Answer(self._unseen(name, exchange), exchange.status, exchange.answer_type, {})
        for said in sorted(set(_said(reader.iter_response_errors(request, answer)))):
            yield f"{name}: answer {exchange.status}: {said}"

    def _found(self, path: str, verb: str) -> tuple[Any, str | None]:
        """The document and the path in it that a call goes to: one that has its verb, a literal word before a
        placeholder.
        """
        accounting, identity = self._documents
        is_accounting = path.startswith(f"{ACCOUNTING}/")
        document, wanted = (accounting, path[len(ACCOUNTING) :]) if is_accounting else (identity, path)
        matching = [one for one in document["paths"] if _is_path(one, wanted)]
        return document, min(
            matching, key=lambda one: (verb not in document["paths"][one], one.count("{")), default=None
        )

    def _unseen(self, name: str, exchange: Exchange) -> bytes:
        """An answer's body without those elements of its lists whose like was judged before, whatever was found."""
        if exchange.status != 200 or not exchange.answer_type.startswith("application/json"):
            return exchange.answer_body
        root = json.loads(exchange.answer_body)
        if not isinstance(root, dict):
            return exchange.answer_body
        for key, rows in root.items():
            if isinstance(rows, list):
                alike = {(name, key, _likeness(row, self._words, self._lengths)): row for row in rows}
                root[key] = [row for mark, row in alike.items() if mark not in self._judged]
                self._judged |= alike.keys()
        return json.dumps(root).encode()


def _read(file: Path, corrected: Counter[Correction]) -> Any:
    """A description with its CORRECTIONS made; counts the places of each."""
    document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for one in CORRECTIONS:
        corrected[one] += one.make(document)
    return document


def _reader_of(document: Any, template: str) -> OpenAPI:
    """One path of a description: looking through all of them for each call would take most of the time."""
    part = {**document, "paths": {template: document["paths"][template]}}
    return OpenAPI.from_dict(
        part, config=Config(spec_validator_cls=None, additional_properties_default_policy="forbid")
    )


def _likeness(value: Any, words: frozenset[str], lengths: Sequence[int]) -> Any:
    """Equal for two values of which the description says the same: kinds, keys, `words` it lists, `lengths` it limits
    texts to.
    """
    if isinstance(value, dict):
        return tuple((key, _likeness(each, words, lengths)) for key, each in value.items())
    if isinstance(value, list):
        return frozenset(_likeness(each, words, lengths) for each in value)
    if not isinstance(value, str):
        return type(value).__name__
    if _GUID.fullmatch(value):
        return "guid"
    if _STAMP.fullmatch(value):
        return "stamp"
    return value if value in words else bisect_left(lengths, len(value))


def _listed(node: Any, key: str) -> Iterator[Any]:
    """All values that stand under a key anywhere in a document."""
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for each in node.values():
            yield from _listed(each, key)
    elif isinstance(node, list):
        for each in node:
            yield from _listed(each, key)


def _is_path(template: str, path: str) -> bool:
    words, said = template.strip("/").split("/"), path.strip("/").split("/")
    return len(words) == len(said) and all(
        word.startswith("{") or word.lower() == each.lower() for word, each in zip(words, said, strict=True)
    )


def _query_names(document: Any, template: str, method: str) -> set[str]:
    verbs = document["paths"][template]
    described = [*verbs.get("parameters", ()), *verbs.get(method.lower(), {}).get("parameters", ())]
    named = document.get("components", {}).get("parameters", {})
    whole = [named[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in described]
    return {one["name"] for one in whole if one["in"] == "query"}


def _said(errors: Iterable[Exception]) -> Iterator[str]:
    """What openapi-core found, by place: `Invoices[].Total: '10' is not of type 'number'`."""
    for error in errors:
        cause = error.__cause__
        if isinstance(error, ResponseFinderError):
            yield "the status is not described"
        elif isinstance(cause, InvalidSchemaValue):
            for each in cause.schema_errors:
                yield from _placed(error, each)
        else:
            yield f"{error}: {cause}" if cause is not None else str(error)


def _placed(error: Exception, found: Any) -> Iterator[str]:
    place = "".join("[]" if isinstance(one, int) else f".{one}" for one in found.absolute_path).lstrip(".")
    if found.message.startswith("Additional properties"):
        known = found.schema.get("properties", {})
        yield from (
            f"{place}.{name}".lstrip(".") + ": a property not described" for name in found.instance if name not in known
        )
    else:
        yield f"{' '.join(filter(None, (getattr(error, 'name', ''), place)))}: {found.message[:160]}"
