"""Batch: up to 30 operations in one request, each answered for itself.

Belongs here: taking a batch apart and putting the answers together. Facts: reference section 10; that bId and operation
may be missing: Intuit's schema (IntuitRestServiceDef.xsd, both `optional`), and mcohen01/node-quickbooks' test of the
live service (test/batch.js, 2.0.49), which sends neither and expects its objects created; CDCQuery: the schema. What a
batch as such is refused with is not known beyond code 1040.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from sandbox.quickbooks import wire
from sandbox.quickbooks.recorder import Recorder
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.wire import Refusal

ITEMS_MAX = 30
REQUEST_ID_MAX = 36
BATCH_ID_MAX_WITH_REQUEST_ID = 10


def run(
    body: Any,
    recorder: Recorder,
    select: Callable[[str], dict[str, Any]],
    changes: Callable[[dict[str, str]], bytes],
    began: datetime,
    request_id: str = "",
) -> dict[str, Any]:
    """Carry out every item in order; one item's failure does not touch the others.

    `select` answers a statement, `changes` a CDCQuery (encoded). Raises Refusal for a batch as such.
    """
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refusal(
            "2020", "Required parameter BatchItemRequest is missing in the request", element="BatchItemRequest"
        )
    if len(items) > ITEMS_MAX:
        raise Refusal(
            "1040", f"The maximum number of batch items is {ITEMS_MAX}; the request has {len(items)}", element=""
        )
    ids = [str(item["bId"]) for item in items if "bId" in item]
    if len(set(ids)) != len(ids):
        raise Refusal("2020", "Required parameter bId is not unique in the request", element="bId")
    if len(request_id) > REQUEST_ID_MAX:
        raise Refusal("2050", f"requestid of a batch is longer than {REQUEST_ID_MAX} characters", element="requestid")
    if request_id and any(len(each) > BATCH_ID_MAX_WITH_REQUEST_ID for each in ids):
        raise Refusal("2050", f"bId is longer than {BATCH_ID_MAX_WITH_REQUEST_ID} characters", element="bId")
    responses = []
    for item in items:
        try:
            answer = _one(item, recorder, select, changes)
        except Refusal as refusal:
            answer = {"Fault": refusal.fault()}
        responses.append({**answer, **({"bId": item["bId"]} if "bId" in item else {})})
    return {"BatchItemResponse": responses, "time": wire.envelope_time(began)}


def _one(
    item: dict[str, Any],
    recorder: Recorder,
    select: Callable[[str], dict[str, Any]],
    changes: Callable[[dict[str, str]], bytes],
) -> dict[str, Any]:
    if "Query" in item:
        return {"QueryResponse": select(str(item["Query"]))}
    if isinstance(item.get("CDCQuery"), dict):
        asked = {"entities": item["CDCQuery"].get("Entities"), "changedSince": item["CDCQuery"].get("ChangedSince")}
        found = changes({name: str(value) for name, value in asked.items() if value is not None})
        return {"CDCResponse": msgspec.Raw(found)}
    name = next((key for key in item if key in BY_NAME), None)
    operation = item.get("operation", "create")
    if name is None or operation not in ("create", "update", "delete", "void"):
        raise Refusal("500", f"Operation {operation} is not supported.", element="")
    if not isinstance(item[name], dict):
        raise Refusal("2010", f"Property Name:Can not deserialize {name} specified is unsupported or invalid")
    options = str(item.get("optionsData", ""))
    parameters = {"operation": operation} if operation != "create" else {}
    if options:
        parameters["include"] = options
    return {name: recorder.write(BY_NAME[name], item[name], parameters)}
