"""Which request of the accounting API does what, and the envelopes around the answers.

Belongs here: routing below /v3/company/{realmId}. What stands before it (tokens, limits, requestid) is `app.py`; what a
request means is in `query.py`, `cdc.py`, `batch.py`, `writes.py`.
"""

import time
from datetime import datetime
from typing import Any

import msgspec

from sandbox.http import Answer, Request
from sandbox.quickbooks import batch, cdc, grammar, merging, pdf, query, reports, uploads, wire, xml
from sandbox.quickbooks.company import Company
from sandbox.quickbooks.spec import BY_LOWER_NAME, Entity
from sandbox.quickbooks.wire import Refusal


def answer(company: Company, request: Request, parts: list[str], began: datetime, started: float) -> Answer:
    """Carry out one request; `parts` is its path below the company. Raises Refusal."""
    method, name = request.method, parts[0]
    if name == "query" and len(parts) == 1:
        return wire.success(_query(company, request, began), _since(company, started))
    if name == "cdc" and len(parts) == 1 and method == "GET":
        changes = cdc.changes(company.store, company.options, request.query, began)
        return wire.success(changes, _since(company, started))
    if name == "batch" and len(parts) == 1 and method == "POST":
        body = batch.run(
            xml.batch_of(request.body) if _is_xml(request) else wire.decode(request.body),
            company.recorder,
            lambda statement: select(company, statement),
            lambda asked: cdc.response(company.store, company.options, asked, began),
            began,
            request.query.get("requestid", ""),
        )
        return wire.success(wire.encode(body), _since(company, started))
    if name == "upload" and len(parts) == 1 and method == "POST":
        uploaded = uploads.accept(company.recorder, request, began)
        return wire.success(wire.encode(uploaded), _since(company, started))
    if name == "reports" and len(parts) == 2 and method == "GET":
        found = reports.run(
            parts[1],
            request.query,
            company.store,
            company.writer.ledger,
            company.options,
            wire.pacific(began).date(),
            wire.stamp(began),
        )
        return wire.success(wire.encode(found), _since(company, started))
    if name == "taxservice" and parts[1:] == ["taxcode"] and method == "POST":
        return wire.success(wire.encode(company.recorder.add_tax_code(wire.decode(request.body))))
    entity = BY_LOWER_NAME.get(name)
    if entity is None or name != name.lower():
        raise _unsupported(request)
    if method == "POST" and len(parts) == 1:
        return _written(company, entity, request, began, started)
    if method == "GET" and len(parts) == 1 and entity.name == "ExchangeRate":
        return _one(entity, company.writer.exchange_rate(request.query), began)
    if method == "GET" and (len(parts) == 2 or (len(parts) == 1 and entity.kind == "single")):
        return _read(company, entity, parts[1] if len(parts) == 2 else "1", began, request.query.get("include", ""))
    if method == "POST" and parts[2:] == ["send"] and entity.allows("send"):
        return _one(entity, company.recorder.send(entity, parts[1], request.query.get("sendTo")), began)
    if method == "GET" and parts[2:] == ["pdf"] and entity.allows("send"):
        _read(company, entity, parts[1], began)
        value, owner = company.store.get(entity.name, parts[1]), company.store.get("CompanyInfo", "1")
        return wire.success(pdf.document(entity.name, value or {}, owner or {}), content_type="application/pdf")
    raise _unsupported(request)


def _since(company: Company, started: float) -> float:
    """Seconds at work, for the Service-Time header; 0 where a run is to be the same every time."""
    return 0.0 if company.world.ids.is_seeded else time.perf_counter() - started


def _unsupported(request: Request) -> Refusal:
    what = f"Could not find resource for relative : {request.path} of full path: {request.path}"
    return Refusal("500", f"Operation {what} is not supported.")


def select(company: Company, statement: str) -> dict[str, Any]:
    """The QueryResponse of one statement, with its rows still encoded (msgspec.Raw). Raises Refusal."""
    cap = company.options.page_above_1000 == "cap"
    asked = grammar.parse(statement, wire.pacific(company.world.clock.now()).date(), cap_page=cap)
    with company.lag.hidden(asked.entity.name):
        found = query.run(asked, company.store.tables[asked.entity.name])
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


def _query(company: Company, request: Request, began: datetime) -> bytes:
    statement = request.query.get("query")
    if statement is None and request.method == "POST":
        statement = request.body.decode("utf-8", "replace")
    if not statement:
        raise Refusal(
            "4000",
            'QueryParserError: Encountered " <EOF> "" at line 0, column 0.\nWas expecting:\n    "select" ...\n    ',
        )
    return wire.encode({"QueryResponse": select(company, statement), "time": wire.envelope_time(began)})


def _read(company: Company, entity: Entity, key: str, began: datetime, include: str = "") -> Answer:
    if not entity.allows("read"):
        raise wire.not_found()
    if entity.name == "CompanyInfo" and key == company.realm_id:
        key = "1"
    row = company.store.tables[entity.name].rows.get(key)
    if row is not None and "invoiceLink" in include:
        return _one(entity, _with_invoice_link(entity, row.decoded()), began)
    if row is not None:
        return _enveloped(entity, row.raw, began)
    if not key.isdigit():
        raise Refusal("2030", f"Id should be a valid number. Supplied value:{key}", element="Id", has_time=False)
    raise wire.not_found()


def _written(company: Company, entity: Entity, request: Request, began: datetime, started: float) -> Answer:
    if _is_xml(request):
        body = xml.body_of(request.body, entity)
    else:
        body = wire.decode(request.body)
    if not isinstance(body, dict):
        raise Refusal(
            "2010", "Property Name:Can not instantiate value of the request specified is unsupported or invalid"
        )
    return _one(entity, company.recorder.write(entity, body, request.query), began, _since(company, started))


def merge(company: Company, request: Request, parts: list[str], began: datetime) -> Answer:
    """Two names become one, which the API has no way to ask for: {"Id", "deletedId"} from the control API."""
    entity = BY_LOWER_NAME.get(parts[0])
    if entity is None or entity.name not in merging.MERGEABLE:
        raise _unsupported(request)
    body, is_shown = wire.decode(request.body), company.options.merged_documents == "changed"
    merged = merging.merge(
        company.world,
        company.store,
        company.recorder,
        entity.name,
        str(body["Id"]),
        str(body["deletedId"]),
        is_shown=is_shown,
    )
    return _one(entity, merged, began)


def _is_xml(request: Request) -> bool:
    return "xml" in request.headers.get("content-type", "")


def _one(entity: Entity, value: dict[str, Any], began: datetime, seconds: float = 0.0) -> Answer:
    return _enveloped(entity, wire.encode(value), began, seconds)


def _enveloped(entity: Entity, raw: bytes, began: datetime, seconds: float = 0.0) -> Answer:
    body = b'{"' + entity.name.encode() + b'":' + raw + b',"time":"' + wire.envelope_time(began).encode() + b'"}'
    return wire.success(body, seconds)


def _with_invoice_link(entity: Entity, value: dict[str, Any]) -> dict[str, Any]:
    """The link a customer can pay at: only with an e-mail address and online payment (`include=invoiceLink`)."""
    is_payable = value.get("AllowOnlineCreditCardPayment") or value.get("AllowOnlineACHPayment")
    if entity.name != "Invoice" or not is_payable or not value.get("BillEmail"):
        return value
    return {
        **value,
        "InvoiceLink": f"https://developer.intuit.com/comingSoonview/scs-v1-{value['Id']}?cta=v3invoicelink",
    }
