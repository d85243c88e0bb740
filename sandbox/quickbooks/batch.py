"""Batch: up to 30 operations in one request, each answered for itself.

Belongs here: taking a batch apart and putting the answers together. Facts: reference section 10.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.writes import Writer

ITEMS_MAX = 30


def run(body: Any, writer: Writer, select: Callable[[str], dict[str, Any]], began: datetime) -> dict[str, Any]:
    """Carry out every item in order; one item's failure does not touch the others.

    Raises Refusal for a batch as such.
    """
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        raise Refusal(
            "2020", "Required parameter BatchItemRequest is missing in the request", element="BatchItemRequest"
        )
    if len(items) > ITEMS_MAX:
        raise Refusal(
            "1040", f"The maximum number of batch items is {ITEMS_MAX}; the request has {len(items)}", element=""
        )
    ids = [item.get("bId") for item in items]
    if None in ids or len(set(ids)) != len(ids):
        raise Refusal("2020", "Required parameter bId is missing in the request or not unique", element="bId")
    responses = []
    for item in items:
        try:
            answer = _one(item, writer, select)
        except Refusal as refusal:
            answer = {"Fault": refusal.fault()}
        responses.append({**answer, "bId": item["bId"]})
    return {"BatchItemResponse": responses, "time": wire.envelope_time(began)}


def _one(item: dict[str, Any], writer: Writer, select: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    if "Query" in item:
        return {"QueryResponse": select(item["Query"])}
    name = next((key for key in item if key in BY_NAME), None)
    operation = item.get("operation")
    if name is None or operation not in ("create", "update", "delete", "void"):
        raise Refusal("500", f"Operation {operation} is not supported.", element="")
    options = str(item.get("optionsData", ""))
    parameters = {"operation": operation} if operation in ("delete", "void") else {}
    if options:
        parameters["include"] = options
    return {name: writer.write(BY_NAME[name], item[name], parameters)}
