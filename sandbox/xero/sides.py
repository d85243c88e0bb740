"""What hangs on a record beside its own properties: attachments and notes of its history.

Belongs here: storing and answering both. Facts: reference section 11 and the recorded uploads.
"""

import mimetypes
from datetime import datetime
from typing import Any

from sandbox.http import Answer, Request
from sandbox.xero import bodies, wire
from sandbox.xero.resources import Resource
from sandbox.xero.store import Books
from sandbox.xero.wire import Refusal

FILES_MAX, BYTES_MAX, DETAILS_MAX = 10, 25 * 1024 * 1024, 2500


def attach(books: Books, resource: Resource, key: str, name: str, request: Request) -> list[dict[str, Any]]:
    """Store one file under its name, replacing the one of that name. Raises Refusal."""
    files = books.attachments.setdefault((resource.name, key), [])
    if len(request.body) > BYTES_MAX:
        raise Refusal("The attachment is larger than 25 MB")
    known = next((each for each in files if each["FileName"] == name), None)
    if known is None and len(files) >= FILES_MAX:
        raise Refusal(f"A document can have at most {FILES_MAX} attachments")
    kind = request.headers.get("content-type", "")
    if not kind or kind == "application/octet-stream":
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    file = {
        "AttachmentID": known["AttachmentID"] if known else books.ids.new(),
        "FileName": name,
        "Url": f"https://api.xero.com/api.xro/2.0/{resource.name}/{key}/Attachments/{name}",
        "MimeType": kind,
        "ContentLength": len(request.body),
    }
    if request.query.get("IncludeOnline", "").lower() == "true":
        file["IncludeOnline"] = True
    books.attachments[(resource.name, key)] = [each for each in files if each is not known] + [file]
    books.contents[file["AttachmentID"]] = request.body
    books.sides_changed.add((resource.name, key))
    value = books.get(resource.name, key)
    if value is not None and value.get("HasAttachments") is False:
        # The flag alone changes: whether an upload moves UpdatedDateUTC is not known, and a delta must not rely on it.
        books.save(resource.name, {**value, "HasAttachments": True})
    return [file]


def attached(books: Books, resource: Resource, key: str) -> list[dict[str, Any]]:
    return books.attachments.get((resource.name, key), [])


def content(books: Books, resource: Resource, key: str, name: str) -> Answer:
    """One file by its id or name. Raises NotFound."""
    for file in attached(books, resource, key):
        if name in (file["AttachmentID"], file["FileName"]):
            return Answer(200, books.contents[file["AttachmentID"]], file["MimeType"])
    raise wire.NotFound(name)


def note(books: Books, resource: Resource, key: str, request: Request, now: datetime) -> list[dict[str, Any]]:
    """Add notes to a record's history. Raises Refusal."""
    added = []
    for given in bodies.elements(request, "HistoryRecords", "HistoryRecord"):
        details = given.get("Details", "")
        if not 1 <= len(details) <= DETAILS_MAX:
            raise Refusal(f"Details must be between 1 and {DETAILS_MAX} characters")
        ms = wire.ms_of(now)
        added.append(
            {
                "Changes": "Note",
                "DateUTCString": wire.instant_text(ms)[:-1],
                "DateUTC": wire.stamp(ms),
                "User": "Sandbox App",
                "Details": details,
            }
        )
    books.history.setdefault((resource.name, key), []).extend(added)
    books.sides_changed.add((resource.name, key))
    return added


def history(books: Books, resource: Resource, key: str) -> list[dict[str, Any]]:
    return list(reversed(books.history.get((resource.name, key), [])))
