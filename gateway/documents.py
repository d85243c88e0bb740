"""The ledger over HTTP: rows of every entity read, made and changed. The routes are made from the entity specs.

What is written here is an edit of the ledger like any other: signed, noted, and pushed into the ERP within seconds.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel

from gateway import shapes
from gateway.access import Caller, Operator, Viewer
from gateway.problems import Refused
from ledger.spec import EntitySpec, entities
from resources.errors import ErrorKind, TieoutError
from resources.settings import CONNECTION_NAME
from resources.stores import repeats, rows

ROWS_MAX = 500
ROWS_DEFAULT = 100

router = APIRouter(prefix="/v1")

LedgerId = Annotated[int, Path(ge=1, le=shapes.ID_MAX, description="The row's id in the ledger.")]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=40, description="The ETag that was read; a change needs it.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Yours, new for each new record: a repeat is answered as the first was, and makes nothing.",
    ),
]
After = Annotated[int, Query(ge=0, le=shapes.ID_MAX, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=ROWS_MAX)]
OfConnection = Annotated[str | None, Query(pattern=f"^{CONNECTION_NAME.pattern}$")]
ChangedSince = Annotated[datetime | None, Query(description="Changed at this instant or later.")]


def _add_routes(spec: EntitySpec) -> None:
    new, change, shown = shapes.made_from(spec), shapes.changed_by(spec), shapes.shown_as(spec)
    noun = spec.name.replace("_", " ")

    def list_rows(
        caller: Viewer,
        after: After = 0,
        limit: Limit = ROWS_DEFAULT,
        connection: OfConnection = None,
        changed_since: ChangedSince = None,
    ) -> Response:
        if changed_since is not None and changed_since.tzinfo is None:
            raise Refused(422, "changed_since: an instant without an offset", next_step="end it with Z or an offset")
        with caller.transaction() as tx:
            found = rows.page(
                tx, spec, after=after, limit=limit + 1, connection=connection, changed_since=changed_since
            )
        has_more = len(found) > limit
        found = found[:limit]
        return _json({"items": found, "next": found[-1]["ledger_id"] if has_more else None})

    def show(ledger_id: LedgerId, caller: Viewer) -> Response:
        with caller.transaction() as tx:
            found = rows.get(tx, spec, ledger_id)
        if found is None:
            raise _missing(spec, ledger_id)
        return _json(found, ETag=_etag(found["version"]))

    def make(
        given: new,  # type: ignore[valid-type]
        caller: Operator,
        request: Request,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        if idempotency_key is None:
            raise Refused(
                428, "no Idempotency-Key", next_step="send one of your own, new for each record, and the same on repeat"
            )
        return _make(caller, spec, given, request.url.path, idempotency_key)

    def alter(ledger_id: LedgerId, given: change, caller: Operator, if_match: IfMatch = None) -> Response:  # type: ignore[valid-type]
        return _alter(caller, spec, ledger_id, given, if_match)

    page = {"type": "object", "required": ["items", "next"]}
    of_page = {
        **page,
        "properties": {
            "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{shown.__name__}"}},
            "next": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "`after` of the next page"},
        },
    }
    one = {"model": shown, "headers": {"ETag": {"schema": {"type": "string"}, "description": "the row's version"}}}
    path, tags = f"/{spec.name}", [noun]
    router.add_api_route(
        path,
        list_rows,
        methods=["GET"],
        tags=tags,
        name=f"list_{spec.name}",
        summary=f"List {noun}",
        responses={200: {"content": {"application/json": {"schema": of_page}}}},
    )
    router.add_api_route(
        f"{path}/{{ledger_id}}",
        show,
        methods=["GET"],
        tags=tags,
        name=f"show_{spec.name}",
        summary=f"Show one of the {noun}",
        responses={200: one},
    )
    router.add_api_route(
        path,
        make,
        methods=["POST"],
        tags=tags,
        name=f"make_{spec.name}",
        status_code=201,
        summary=f"Write one of the {noun}; it is pushed into the ERP",
        responses={201: one},
    )
    router.add_api_route(
        f"{path}/{{ledger_id}}",
        alter,
        methods=["PATCH"],
        tags=tags,
        name=f"change_{spec.name}",
        summary=f"Change one of the {noun}; the change is pushed into the ERP",
        responses={200: one},
    )


def _make(caller: Caller, spec: EntitySpec, given: BaseModel, path: str, idempotency_key: str) -> Response:
    asked = path.encode() + b"\n" + given.model_dump_json(exclude_unset=True).encode()
    with caller.transaction() as tx:
        before = repeats.find(tx, key_id=caller.key.key_id, idempotency_key=idempotency_key, request=asked)
        if before is not None:
            if not before.is_same:
                raise Refused(
                    422, "an Idempotency-Key that came with something else", next_step="send a new one for a new record"
                )
            return _json(
                before.answer, before.status, Idempotency_Replayed="true", ETag=_etag(before.answer["version"])
            )
        ledger_id = rows.make(tx, spec, *shapes.taken_apart(spec, given))
        found = rows.get(tx, spec, ledger_id)
        assert found is not None
        # Kept as it is sent: amounts as texts.
        answer = msgspec.json.decode(msgspec.json.encode(found))
        repeats.keep(
            tx,
            tenant=caller.tenant,
            key_id=caller.key.key_id,
            idempotency_key=idempotency_key,
            request=asked,
            status=201,
            answer=answer,
        )
    return _json(answer, 201, Location=f"/v1/{spec.name}/{ledger_id}", ETag=_etag(found["version"]))


def _alter(caller: Caller, spec: EntitySpec, ledger_id: int, given: BaseModel, if_match: str | None) -> Response:
    if if_match is None:
        raise Refused(428, "no If-Match", next_step="read the record, and send its ETag as If-Match")
    with caller.transaction() as tx:
        version = rows.lock(tx, spec, ledger_id)
        if version is None:
            raise _missing(spec, ledger_id)
        if if_match != _etag(version):
            raise Refused(
                412,
                f"version {version} here, where {if_match} was expected",
                next_step="read it again and decide anew",
                ETag=_etag(version),
            )
        try:
            rows.change(tx, spec, ledger_id, *shapes.taken_apart(spec, given))
        except KeyError as unknown:
            raise Refused(422, f"part_id {unknown}, which this record has not") from None
        found = rows.get(tx, spec, ledger_id)
        assert found is not None
    return _json(found, ETag=_etag(found["version"]))


def _json(found: Any, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(msgspec.json.encode(found), status, headers=named, media_type="application/json")


def _etag(version: int) -> str:
    return f'"{version}"'


def _missing(spec: EntitySpec, ledger_id: int) -> TieoutError:
    return TieoutError(
        ErrorKind.NOT_FOUND,
        doing=f"looking for {spec.name}/{ledger_id}",
        found="no such row",
        expected="the ledger id of one",
        next_step=f"see GET /v1/{spec.name}",
    )


for _spec in entities():
    _add_routes(_spec)
