"""Which request of the accounting API does what.

Belongs here: reading the path and the envelope of the answer. What stands before it (tokens, limits, keys) is `app.py`;
what a request means is `reading.py`, `writing.py`, `allocations.py`, `sides.py` and `reports.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.http import Answer, Request
from sandbox.xero import allocations, bodies, lists, reports, sides, wire, writing
from sandbox.xero.company import Tenant
from sandbox.xero.resources import BY_PATH, Resource, collection_of
from sandbox.xero.switches import Switches
from sandbox.xero.wire import NotFound, Problem, Refusal
from sandbox.xero.work import Undo, Work
from sandbox.xero.writing import HANDLERS

PROVIDER = "Sandbox App"
ITEMS_MAX = 500
Changed = Callable[[Undo], None]


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way: the organisation, the switches, the time, and the id of the answer."""

    tenant: Tenant
    options: Switches
    request: Request
    now: datetime
    trace: str
    changed: Changed

    @property
    def query(self) -> dict[str, str]:
        return self.request.query


def answer(call: Call, parts: list[str]) -> Answer:
    """Answer one request; `parts` is the path below /api.xro/2.0. Raises Problem and NotFound."""
    name = parts[0].lower()
    if name == "reports":
        if call.request.method != "GET" or len(parts) != 2:
            raise _not_implemented(call)
        report = reports.build(call.tenant.books, call.options, parts[1], call.query, call.now)
        return _rows(call, "Reports", [wire.encode(report)])
    resource = BY_PATH.get(name)
    if resource is None:
        raise NotFound(call.request.path)
    if len(parts) == 1:
        return _of_all(call, resource)
    if len(parts) == 2:
        return _of_one(call, resource, parts[1])
    return _of_part(call, resource, parts)


def _of_all(call: Call, resource: Resource) -> Answer:
    if call.request.method == "GET":
        since = call.request.headers.get("if-modified-since")
        page = call.tenant.reader.page(resource, call.query, since)
        return _rows(call, collection_of(resource), page.rows, page.pagination)
    handler = HANDLERS.get(resource.name)
    if handler is None or call.request.method not in handler.methods.split():
        raise _not_implemented(call)
    return _write(call, resource)


def _of_one(call: Call, resource: Resource, given: str) -> Answer:
    method, handler = call.request.method, HANDLERS.get(resource.name)
    raw = call.tenant.reader.one(resource, given, call.query)
    if method == "GET":
        if call.request.headers.get("accept") == "application/pdf" and "pdf" in resource.subs.split():
            return _pdf()
        return _rows(call, collection_of(resource), [raw])
    key = str(wire.decode(raw)[resource.key])
    if method == "POST" and handler is not None and handler.methods == "PUT POST":
        return _write(call, resource, key)
    if method == "DELETE" and handler is not None and handler.delete is not None:
        delete = handler.delete

        def do(work: Work) -> Any:
            present = work.get(resource.name, key)
            assert present is not None
            return delete(work, present)

        done = _run(call, resource, do)
        return (
            Answer(204, b"", "text/plain")
            if done is None
            else _rows(call, collection_of(resource), [wire.encode(done)])
        )
    raise _not_implemented(call)


def _of_part(call: Call, resource: Resource, parts: list[str]) -> Answer:
    """A path with something behind the record: attachments, history, allocations, options."""
    key = str(wire.decode(call.tenant.reader.one(resource, parts[1], call.query))[resource.key])
    known = {each.lower(): each for each in resource.subs.split()}
    part = known.get(parts[2].lower())
    handler = _PARTS.get((call.request.method, part or "", len(parts)))
    if part is None:
        raise NotFound(call.request.path)
    if handler is None:
        raise _not_implemented(call)
    return handler(call, resource, key, parts[3] if len(parts) > 3 else "")


# -- parts of a record -------------------------------------------------------------------------------------------------


def _files(call: Call, resource: Resource, key: str, name: str) -> Answer:
    rows = sides.attached(call.tenant.books, resource, key)
    return _rows(call, "Attachments", [wire.encode(each) for each in rows])


def _file(call: Call, resource: Resource, key: str, name: str) -> Answer:
    return sides.content(call.tenant.books, resource, key, name)


def _upload(call: Call, resource: Resource, key: str, name: str) -> Answer:
    rows = _taken(partial(sides.attach, call.tenant.books, resource, key, name, call.request))
    return _rows(call, "Attachments", [wire.encode(each) for each in rows])


def _history(call: Call, resource: Resource, key: str, name: str) -> Answer:
    rows = sides.history(call.tenant.books, resource, key)
    return _rows(call, "HistoryRecords", [wire.encode(each) for each in rows])


def _note(call: Call, resource: Resource, key: str, name: str) -> Answer:
    rows = _taken(partial(sides.note, call.tenant.books, resource, key, call.request, call.now))
    return _rows(call, "HistoryRecords", [wire.encode(each) for each in rows])


def _allocate(call: Call, resource: Resource, key: str, name: str) -> Answer:
    written, steps = writing.Written(), []
    for given in bodies.elements(call.request, "Allocations", "Allocation"):

        def do(work: Work, given: dict[str, Any] = given) -> Any:
            credit = work.get(resource.name, key)
            assert credit is not None
            return allocations.create(work, resource.name, credit, given)

        try:
            done, undo, _ = call.tenant.writer.run(call.now, do)
        except Refusal as refusal:
            written.refused.append(writing.refused_allocation(given, refusal))
            written.elements.append(written.refused[-1])
            continue
        steps += undo
        written.elements.append(done)
    return _settled(call, resource, "Allocations", writing.Written(written.elements, written.refused, steps))


def _unallocate(call: Call, resource: Resource, key: str, name: str) -> Answer:
    def do(work: Work) -> Any:
        credit = work.get(resource.name, key)
        assert credit is not None
        return allocations.delete(work, resource.name, credit, name.lower())

    return Answer(200, wire.encode(_run(call, resource, do)), wire.JSON)


def _option(call: Call, resource: Resource, key: str, name: str) -> Answer:
    rows = []
    for given in bodies.elements(call.request, "Options", "TrackingOption"):

        def do(work: Work, given: dict[str, Any] = given) -> Any:
            category = work.get(resource.name, key)
            assert category is not None
            return lists.save_option(work, category, name.lower() or None, given)

        rows.append(wire.encode(_run(call, resource, do)))
    return _rows(call, "Options", rows)


def _drop_option(call: Call, resource: Resource, key: str, name: str) -> Answer:
    def do(work: Work) -> Any:
        category = work.get(resource.name, key)
        assert category is not None
        return lists.delete_option(work, category, name.lower())

    return _rows(call, "Options", [wire.encode(_run(call, resource, do))])


def _email(call: Call, resource: Resource, key: str, name: str) -> Answer:
    def do(work: Work) -> None:
        value = work.get(resource.name, key)
        if value is None or value["Status"] not in ("SUBMITTED", "AUTHORISED", "PAID"):
            raise Refusal("Only SUBMITTED, AUTHORISED and PAID invoices can be emailed")
        value["SentToContact"] = True
        work.touch(resource.name, key)

    _run(call, resource, do)
    return Answer(204, b"", "text/plain")


def _online(call: Call, resource: Resource, key: str, name: str) -> Answer:
    return _rows(call, "OnlineInvoices", [wire.encode({"OnlineInvoiceUrl": f"https://in.xero.com/{key[:8]}"})])


def _pdf(*_: Any) -> Answer:
    return Answer(200, b"%PDF-1.4\n% simulated document\n%%EOF\n", "application/pdf")


_PARTS: dict[tuple[str, str, int], Callable[[Call, Resource, str, str], Answer]] = {
    ("GET", "Attachments", 3): _files,
    ("GET", "Attachments", 4): _file,
    ("PUT", "Attachments", 4): _upload,
    ("POST", "Attachments", 4): _upload,
    ("GET", "History", 3): _history,
    ("PUT", "History", 3): _note,
    ("PUT", "Allocations", 3): _allocate,
    ("DELETE", "Allocations", 4): _unallocate,
    ("PUT", "Options", 3): _option,
    ("POST", "Options", 4): _option,
    ("DELETE", "Options", 4): _drop_option,
    ("POST", "Email", 3): _email,
    ("GET", "OnlineInvoice", 3): _online,
    ("GET", "pdf", 3): _pdf,
}


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(call: Call, resource: Resource, key: str = "") -> Answer:
    elements = bodies.elements(call.request, collection_of(resource), resource.singular)
    if resource.name == "Items" and len(elements) > ITEMS_MAX:
        raise Problem(10, "ValidationException", f"At most {ITEMS_MAX} items can be written in one request")
    method = "POST" if key else call.request.method
    is_fine = call.query.get("unitdp") == "4"
    written = call.tenant.writer.write(resource, method, elements, call.now, key=key, is_fine=is_fine)
    return _settled(call, resource, collection_of(resource), written)


def _settled(call: Call, resource: Resource, name: str, written: writing.Written) -> Answer:
    """The answer to a write, its changes kept or taken back."""
    is_summarised = call.query.get("summarizeErrors", "true").lower() != "false"
    status, elements = writing.body(resource, written, is_summarised=is_summarised)
    if status == 400:
        if call.options.summarised_errors == "save_nothing":
            call.tenant.writer.take_back(written.steps)
        else:
            call.changed(written.steps)
        return Answer(400, wire.encode(wire.validation_problem(elements)), wire.JSON)
    call.changed(written.steps)
    return _rows(call, name, [wire.encode(each) for each in elements])


def _run(call: Call, resource: Resource, do: Callable[[Work], Any]) -> Any:
    """Carry out one change that is not an element of a list. Raises Problem when it is refused."""
    done, steps, _ = _taken(partial(call.tenant.writer.run, call.now, do))
    call.changed(steps)
    return done


def _taken(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Refusal as refusal:
        raise Problem(10, "ValidationException", "; ".join(refusal.messages)) from refusal


def _rows(call: Call, name: str, rows: list[bytes], pagination: dict[str, int] | None = None) -> Answer:
    body = wire.envelope(call.trace, PROVIDER, wire.ms_of(call.now), name, rows, pagination)
    return Answer(200, body, wire.JSON)


def _not_implemented(call: Call) -> Problem:
    what = f"The API method {call.request.method} {call.request.path} is not implemented"
    return Problem(20, "ApiMethodNotImplementedException", what, 501)
