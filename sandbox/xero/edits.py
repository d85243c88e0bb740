"""Edits by a person, in words or as a request of the API.

Belongs here: what `POST /_sandbox/edit` takes for Xero. The request is carried out without a token.
"""

from typing import Any

from sandbox.control import edit_path
from sandbox.http import Request
from sandbox.xero import wire
from sandbox.xero.resources import BY_COLLECTION, BY_NAME, collection_of
from sandbox.xero.store import Books

API = "/api.xro/2.0"


def request_of(edit: dict[str, Any], books: Books) -> Request:
    """{"method", "path", "body"} with the path below /api.xro/2.0, as it is; or {"operation":
    create|update|delete|void|archive, "entity": "Invoices", "id", "body"}. Raises ValueError."""
    if "operation" in edit:
        edit = _spelled_out(edit, books)
    method, path, query_string = edit_path(edit)
    if not path.startswith(API):
        path = f"{API}{path}"
    headers = {"accept": "application/json", "content-type": "application/json", "xero-tenant-id": books.tenant_id}
    body = wire.encode(edit["body"]) if edit.get("body") is not None else b""
    return Request(method, path, query_string, headers, body)


def _spelled_out(edit: dict[str, Any], books: Books) -> dict[str, Any]:
    operation, name, body = edit["operation"], str(edit.get("entity")), dict(edit.get("body") or {})
    resource = BY_COLLECTION.get(name) or next((one for one in BY_NAME.values() if one.singular == name), None)
    if resource is None:
        raise ValueError(f"entity is {name!r}, it must be one of {', '.join(sorted(BY_COLLECTION))}")
    if operation == "create":
        return {"method": "PUT", "path": f"/{resource.name}", "body": {collection_of(resource): [body]}}
    key = str(edit.get("id") or body.get(resource.key) or "")
    if key not in books.tables[resource.name].rows:
        raise ValueError(f"there is no {resource.singular} with {resource.key} {key!r}")
    path = f"/{resource.name}/{key}"
    if operation == "delete" and resource.name in ("Items", "Accounts", "TrackingCategories"):
        return {"method": "DELETE", "path": path}
    status = "ContactStatus" if resource.name == "Contacts" else "Status"
    bodies = {
        "update": body,
        "delete": {status: "DELETED"},
        "void": {status: "VOIDED"},
        "archive": {status: "ARCHIVED"},
    }
    if operation not in bodies:
        raise ValueError(f"operation is {operation!r}, it must be create, {', '.join(bodies)}")
    return {"method": "POST", "path": path, "body": {collection_of(resource): [bodies[operation]]}}
