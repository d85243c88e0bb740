"""Attachments: `POST /upload`, several files with their metadata in one multipart body.

Belongs here: taking the body apart. An attachment itself is an Attachable. Facts: reference sections 1 and 9 (200
with a fault inside).
"""

from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from sandbox.http import Request
from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.writes import Writer


def accept(writer: Writer, request: Request, began: datetime) -> dict[str, Any]:
    """One Attachable or Fault per file. Raises Refusal when the body is not multipart."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    if not message.is_multipart():
        raise Refusal("2010", "Property Name:multipart body expected specified is unsupported or invalid")
    metadata: dict[str, dict[str, Any]] = {}
    contents: dict[str, tuple[str, str, int]] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition") or "")
        data = part.get_payload(decode=True) or b""
        if name.startswith("file_metadata"):
            metadata[name.rpartition("_")[2]] = wire.decode(data)
        elif name.startswith("file_content"):
            contents[name.rpartition("_")[2]] = (part.get_filename() or "", part.get_content_type(), len(data))
    responses = []
    for number, (file_name, kind, size) in sorted(contents.items()):
        body = {"FileName": file_name, "ContentType": kind, **metadata.get(number, {}), "Size": size}
        try:
            responses.append({"Attachable": writer.write(BY_NAME["Attachable"], body, {})})
        except Refusal as refusal:
            responses.append({"Fault": refusal.fault()})
    return {"AttachableResponse": responses, "time": wire.envelope_time(began)}
