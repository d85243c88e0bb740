"""The QuickBooks Online simulator: which request goes where, and the envelopes around the answers.

Belongs here: routing, authentication and limits in front, requestid, the company's life (reset, load, persistence).
What a request means is in `query.py`, `cdc.py`, `batch.py`, `writes.py`; how it is written in `wire.py` and `xml.py`.
"""

import hashlib
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from sandbox.clock import Clock
from sandbox.control import edit_path
from sandbox.http import Answer, Request
from sandbox.quickbooks import batch, cdc, grammar, query, uploads, wire, xml
from sandbox.quickbooks.defaults import build_empty
from sandbox.quickbooks.limits import Limits
from sandbox.quickbooks.oauth import OAuth
from sandbox.quickbooks.persist import Journal
from sandbox.quickbooks.spec import BY_LOWER_NAME, BY_NAME, ENTITIES, Entity
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.writes import Writer

REQUEST_ID_MAX = 50


class QuickBooks:
    """One simulated company. Satisfies `sandbox.control.Erp`."""

    def __init__(self, clock: Clock, *, realm_id: str, journal: Journal | None = None) -> None:
        self.clock, self.realm_id = clock, realm_id
        self.options = Switches()
        self.limits = Limits()
        self._journal = journal
        self._clear()

    def _clear(self) -> None:
        self.store = Store(self._changed if self._journal is not None else None)
        self.oauth = OAuth(self.clock, self.options, self.realm_id)
        self.writer = Writer(self.store, self.options, self.clock)
        self._answered: dict[str, tuple[str, Answer]] = {}
        self._pristine: dict[str, dict[str, str]] = {}

    # -- the API -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request, *, authenticated: bool = False) -> Answer:
        """Answer one request; faults are answers too, nothing is raised for a wrong request."""
        began, started = self.clock.now(), time.perf_counter()
        oauth = self.oauth.handle(request)
        if oauth is not None:
            if self._journal is not None:
                self._journal.add("oauth", self.oauth.snapshot())
            return oauth
        parts = request.path.strip("/").split("/")
        if len(parts) < 4 or parts[:2] != ["v3", "company"]:
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        if not authenticated:
            refused = self.oauth.check(request.headers.get("authorization"), parts[2], began) or self._throttled(
                request, parts, began
            )
            if refused is not None:
                return refused
        answer = self._answer_once(request, parts[3:], began, started)
        return xml.answer_in_xml(answer) if self._wants_xml(request) else answer

    def _throttled(self, request: Request, parts: list[str], began: datetime) -> Answer | None:
        if not self.options.rate_limits or self.limits.admits(request.in_flight, parts[3] == "batch"):
            return None
        if self.options.throttle_body == "xml":
            return wire.throttled_xml(began)
        detail = "The request limit was reached.  Try again later"
        return wire.gateway_fault(429, "ThrottleExceeded", detail, "SERVICE", began)

    def _wants_xml(self, request: Request) -> bool:
        accept = request.headers.get("accept")
        if accept is None:
            return self.options.no_accept_header == "xml"
        return "xml" in accept and "json" not in accept

    def _answer_once(self, request: Request, parts: list[str], began: datetime, started: float) -> Answer:
        """Answer, or repeat the answer given to the same requestid before."""
        request_id = request.query.get("requestid", "")
        if not request_id or request.method != "POST" or parts[0] == "query":
            return self._answer(request, parts, began, started)
        digest = hashlib.sha256(request.body + request.path.encode()).hexdigest()
        known = self._answered.get(request_id)
        if known is not None:
            if known[0] != digest and self.options.request_id_with_other_body == "fault":
                return wire.fault(Refusal("600", f"Duplicate Request ID : {request_id}", element=""), began)
            return known[1]
        if len(request_id) > REQUEST_ID_MAX:
            return wire.fault(
                Refusal("2050", f"requestid is longer than {REQUEST_ID_MAX} characters", element="requestid"), began
            )
        answer = self._answer(request, parts, began, started)
        if answer.status == 200:
            self._answered[request_id] = (digest, answer)
            if self._journal is not None:
                self._journal.add("request", request_id, digest, answer.content_type, wire.decode(answer.body))
        return answer

    def _answer(self, request: Request, parts: list[str], began: datetime, started: float) -> Answer:
        try:
            return self._routed(request, parts, began, started)
        except Refusal as refusal:
            return wire.fault(refusal, began)
        except msgspec.DecodeError as error:
            return wire.fault(Refusal("2010", f"Property Name:{error} specified is unsupported or invalid"), began)
        except Exception:
            # A mistake of the simulator's own: the service would answer so too, and the trace is for whoever mends it.
            traceback.print_exc()
            detail = "An unexpected error occurred while accessing or saving your data."
            return wire.fault(Refusal("10000", detail, element="", status=500, kind="SystemFault"), began)

    def _routed(self, request: Request, parts: list[str], began: datetime, started: float) -> Answer:
        method, name = request.method, parts[0]
        if name == "query" and len(parts) == 1:
            return wire.success(self._query(request, began), time.perf_counter() - started)
        if name == "cdc" and len(parts) == 1 and method == "GET":
            return wire.success(
                cdc.changes(self.store, self.options, request.query, began), time.perf_counter() - started
            )
        if name == "batch" and len(parts) == 1 and method == "POST":
            body = batch.run(wire.decode(request.body), self.writer, self.select, began)
            return wire.success(wire.encode(body), time.perf_counter() - started)
        if name == "upload" and len(parts) == 1 and method == "POST":
            return wire.success(wire.encode(uploads.accept(self.writer, request, began)), time.perf_counter() - started)
        if name == "taxservice" and parts[1:] == ["taxcode"] and method == "POST":
            return wire.success(wire.encode(self.writer.add_tax_code(wire.decode(request.body))))
        entity = BY_LOWER_NAME.get(name)
        if entity is None or name != name.lower():
            raise self._unsupported(request)
        if method == "POST" and len(parts) == 1:
            return self._written(entity, request, began, started)
        if method == "GET" and len(parts) == 1 and entity.name == "ExchangeRate":
            return self._one(entity, self.writer.exchange_rate(request.query), began)
        if method == "GET" and (len(parts) == 2 or (len(parts) == 1 and entity.kind == "single")):
            return self._read(entity, parts[1] if len(parts) == 2 else "1", began, request.query.get("include", ""))
        if method == "POST" and parts[2:] == ["send"] and entity.allows("send"):
            return self._one(entity, self.writer.send(entity, parts[1], request.query.get("sendTo")), began)
        if method == "GET" and parts[2:] == ["pdf"] and entity.allows("send"):
            self._read(entity, parts[1], began)
            return wire.success(b"%PDF-1.4\n% simulated document\n%%EOF\n", content_type="application/pdf")
        raise self._unsupported(request)

    def _unsupported(self, request: Request) -> Refusal:
        what = f"Could not find resource for relative : {request.path} of full path: {request.path}"
        return Refusal("500", f"Operation {what} is not supported.")

    def select(self, statement: str) -> dict[str, Any]:
        """The QueryResponse of one statement, with its rows still encoded (msgspec.Raw). Raises Refusal."""
        cap = self.options.page_above_1000 == "cap"
        asked = grammar.parse(statement, wire.pacific(self.clock.now()).date(), cap_page=cap)
        found = query.run(asked, self.store.tables[asked.entity.name])
        if asked.is_count:
            return {"totalCount": found.total}
        if not found.rows:
            return {}
        response: dict[str, Any] = {
            asked.entity.name: [msgspec.Raw(raw) for raw in found.rows],
            "startPosition": asked.start,
            "maxResults": len(found.rows),
        }
        if asked.entity.totals:
            response["totalCount"] = found.total
        return response

    def _query(self, request: Request, began: datetime) -> bytes:
        statement = request.query.get("query")
        if statement is None and request.method == "POST":
            statement = request.body.decode("utf-8", "replace")
        if not statement:
            raise Refusal(
                "4000",
                'QueryParserError: Encountered " <EOF> "" at line 0, column 0.\nWas expecting:\n    "select" ...\n    ',
            )
        return wire.encode({"QueryResponse": self.select(statement), "time": wire.envelope_time(began)})

    def _read(self, entity: Entity, key: str, began: datetime, include: str = "") -> Answer:
        if not entity.allows("read"):
            raise wire.not_found()
        if entity.name == "CompanyInfo" and key == self.realm_id:
            key = "1"
        table = self.store.tables[entity.name]
        row = table.rows.get(key)
        if row is not None and "invoiceLink" in include:
            return self._one(entity, _with_invoice_link(entity, row.decoded()), began)
        if row is not None:
            return self._enveloped(entity, row.raw, began)
        if not key.isdigit():
            raise Refusal("2030", f"Id should be a valid number. Supplied value:{key}", element="Id", has_time=False)
        raise wire.not_found()

    def _written(self, entity: Entity, request: Request, began: datetime, started: float) -> Answer:
        if "xml" in request.headers.get("content-type", ""):
            body = xml.body_of(request.body, entity)
        else:
            body = wire.decode(request.body)
        if not isinstance(body, dict):
            raise Refusal(
                "2010", "Property Name:Can not instantiate value of the request specified is unsupported or invalid"
            )
        written = self.writer.write(entity, body, request.query)
        return self._one(entity, written, began, time.perf_counter() - started)

    def _one(self, entity: Entity, value: dict[str, Any], began: datetime, seconds: float = 0.0) -> Answer:
        return self._enveloped(entity, wire.encode(value), began, seconds)

    def _enveloped(self, entity: Entity, raw: bytes, began: datetime, seconds: float = 0.0) -> Answer:
        body = b'{"' + entity.name.encode() + b'":' + raw + b',"time":"' + wire.envelope_time(began).encode() + b'"}'
        return wire.success(body, seconds)

    # -- the control API ---------------------------------------------------------------------------------------------

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over. Switches keep their positions; tokens, rate counters and all objects go."""
        built: dict[str, list[dict[str, Any]]] = {}
        if seed == "demo":
            try:
                from sandbox.quickbooks.demo import build_company
            except ImportError as error:
                raise ValueError(f"the demo company cannot be built: {error}") from error
            built = build_company(number)
        if self._journal is not None:
            self._journal.clear()
        self._clear()
        self.limits.clear()
        now = wire.stamp(self.clock.now())
        empty = build_empty(now)
        for entity, objects in empty.items():
            if entity not in built:
                self.store.load(entity, [wire.encode(each) for each in objects], now)
                name = BY_NAME[entity].named_by
                self._pristine[entity] = {each[name]: each["Id"] for each in objects if name}
        for entity, objects in built.items():
            self.store.load(entity, [wire.encode(each) for each in objects], now)
        self.writer.forget()
        return {name: len(table.rows) for name, table in self.store.tables.items() if table.rows}

    def load(self, objects: dict[str, list[msgspec.Raw]]) -> dict[str, int]:
        """Store objects as given.

        A loaded object takes the place of one the empty company came with under the same name.
        """
        unknown = sorted(set(objects) - set(BY_NAME))
        if unknown:
            raise ValueError(f"no entity {', '.join(unknown)}; there are {', '.join(sorted(BY_NAME))}")
        now = wire.stamp(self.clock.now())
        counts = {}
        for entity, group in objects.items():
            self._make_room(entity, group)
            counts[entity] = self.store.load(entity, group, now)
        self.writer.forget()
        return counts

    def _make_room(self, entity: str, group: list[msgspec.Raw]) -> None:
        pristine = self._pristine.get(entity)
        if not pristine:
            return
        name = BY_NAME[entity].named_by
        for given in group:
            value = wire.decode(given)
            own = pristine.pop(str(value.get(name)), None)
            if own is not None and own != value.get("Id") and own in self.store.tables[entity].rows:
                self.store.tables[entity].remove(own, None)
            for other, key in list(pristine.items()):
                if key == value.get("Id"):
                    del pristine[other]

    def tokens(self) -> dict[str, Any]:
        minted = self.oauth.mint()
        if self._journal is not None:
            self._journal.add("oauth", self.oauth.snapshot())
        return minted

    def switches(self) -> dict[str, Any]:
        return self.options.values()

    def turn(self, changes: dict[str, Any]) -> None:
        self.options.turn(changes)

    def state(self, entity: str | None) -> Iterator[bytes]:
        if entity is not None and entity not in BY_NAME:
            raise ValueError(f"no entity {entity}; there are {', '.join(sorted(BY_NAME))}")
        return self._pieces(
            [entity] if entity else [each.name for each in ENTITIES if self.store.tables[each.name].rows]
        )

    def _pieces(self, names: list[str]) -> Iterator[bytes]:
        opening = b"{"
        for name in names:
            yield opening + b'"' + name.encode() + b'":['
            rows = list(self.store.objects(name))
            for start in range(0, len(rows), 1000):
                yield (b"," if start else b"") + b",".join(rows[start : start + 1000])
            yield b"]"
            opening = b","
        yield b"}" if names else b"{}"

    def edit_request(self, edit: dict[str, Any]) -> Request:
        """{"method", "path", "body"} as it is; or {"operation": create|update|delete|void|send, "entity", "id",
        "body"}: a person in QuickBooks, who always has the present SyncToken before them; such an update is sparse."""
        if "operation" in edit:
            edit = self._spelled_out(edit)
        method, path, query_string = edit_path(edit)
        if not path.startswith("/v3/company/"):
            path = f"/v3/company/{self.realm_id}{path}"
        headers = {"accept": "application/json", "content-type": "application/json"}
        body = wire.encode(edit["body"]) if edit.get("body") is not None else b""
        return Request(method, path, query_string, headers, body)

    def _spelled_out(self, edit: dict[str, Any]) -> dict[str, Any]:
        operation, name, body = edit["operation"], edit.get("entity"), dict(edit.get("body") or {})
        if name not in BY_NAME:
            raise ValueError(f"entity is {name!r}, it must be one of {', '.join(sorted(BY_NAME))}")
        path = f"/{name.lower()}"
        if operation == "create":
            return {"path": path, "body": body}
        key = str(edit.get("id") or body.get("Id") or "")
        present = self.store.get(name, key)
        if present is None:
            raise ValueError(f"there is no {name} with Id {key!r}")
        address = {"Id": key, "SyncToken": present["SyncToken"]}
        body = {**{each: present[each] for each in BY_NAME[name].sparse_required.split() if each in present}, **body}
        paths: dict[str, dict[str, Any]] = {
            "update": {"path": path, "body": {**body, **address, "sparse": True}},
            "delete": {"path": f"{path}?operation=delete", "body": address},
            "void": {"path": f"{path}?operation=void", "body": address},
            "send": {"path": f"{path}/{key}/send"},
        }
        if operation not in paths:
            raise ValueError(f"operation is {operation!r}, it must be create, {', '.join(paths)}")
        return paths[operation]

    # -- persistence -------------------------------------------------------------------------------------------------

    def _changed(self, entity: str, key: str, raw: bytes | None, stub: bytes | None) -> None:
        assert self._journal is not None
        if raw is not None:
            self._journal.add_raw("put", entity, key, raw)
        else:
            self._journal.add("del", entity, key, msgspec.Raw(stub) if stub is not None else None)

    def commit(self) -> None:
        """Write what the last request changed; called before its answer is sent."""
        if self._journal is not None:
            self._journal.commit()

    def restore(self) -> bool:
        """Take over the journal; False when there is nothing in it. Raises ValueError when it cannot be read."""
        assert self._journal is not None
        entries: dict[str, Callable[..., None]] = {
            "put": lambda entity, key, value: self.store.restore(entity, key, wire.encode(value), None),
            "del": lambda entity, key, stub: self.store.restore(entity, key, None, wire.encode(stub) if stub else None),
            "counter": lambda name, value: self.store.counters.update({name: value}),
            "request": self._remember,
        }
        self.store.changed, oauth, found = None, None, False
        for kind, *values in self._journal.entries():
            found = True
            if kind == "oauth":
                oauth = values[0]
            else:
                entries[kind](*values)
        if oauth is not None:
            self.oauth.restore(oauth)
        if found:
            self._journal.rewrite(self._write_all)
        self.store.changed = self._changed
        return found

    def _remember(self, request_id: str, digest: str, content_type: str, body: Any) -> None:
        self._answered[request_id] = (digest, wire.success(wire.encode(body), content_type=content_type))

    def _write_all(self, journal: Journal) -> None:
        for name, value in self.store.counters.items():
            journal.add("counter", name, value)
        for name, table in self.store.tables.items():
            for key, row in table.rows.items():
                journal.add_raw("put", name, key, row.raw)
            for key, (_, stub) in table.stubs.items():
                journal.add("del", name, key, msgspec.Raw(stub))
        for request_id, (digest, answer) in self._answered.items():
            journal.add("request", request_id, digest, answer.content_type, wire.decode(answer.body))
        journal.add("oauth", self.oauth.snapshot())


def _with_invoice_link(entity: Entity, value: dict[str, Any]) -> dict[str, Any]:
    """The link a customer can pay at: only with an e-mail address and online payment (`include=invoiceLink`)."""
    is_payable = value.get("AllowOnlineCreditCardPayment") or value.get("AllowOnlineACHPayment")
    if entity.name != "Invoice" or not is_payable or not value.get("BillEmail"):
        return value
    return {
        **value,
        "InvoiceLink": f"https://developer.intuit.com/comingSoonview/scs-v1-{value['Id']}?cta=v3invoicelink",
    }
