"""Attachments: `POST /upload`, several files with their metadata in one multipart body.

Belongs here: taking the body apart. An attachment itself is an Attachable. Facts: reference sections 1 and 9 (200
with a fault inside).
"""

from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from sandbox.http import Request
from sandbox.quickbooks import wire, xml
from sandbox.quickbooks.recorder import Recorder
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.wire import Refusal


def accept(writer: Recorder, request: Request, began: datetime) -> dict[str, Any]:
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
            is_xml = "xml" in part.get_content_type()
            own = xml.body_of(data, BY_NAME["Attachable"]) if is_xml else wire.decode(data)
            if not isinstance(own, dict):
                raise Refusal("2010", f"Property Name:{name} specified is unsupported or invalid")
            metadata[name.rpartition("_")[2]] = own
        elif name.startswith("file_content"):
            contents[name.rpartition("_")[2]] = (part.get_filename() or "", part.get_content_type(), len(data))
    responses = []
    for number, (file_name, kind, size) in sorted(contents.items()):
        # The attachment's Id is put behind both when it has one (names.py); the content itself is not kept.
        download = f"{request.path.removesuffix('/upload')}/download/"
        places = {"FileAccessUri": download, "TempDownloadUri": f"{request.base_url}{download}"}
        body = {"FileName": file_name, "ContentType": kind, **metadata.get(number, {}), "Size": size, **places}
        try:
            responses.append({"Attachable": writer.write(BY_NAME["Attachable"], body, {})})
        except Refusal as refusal:
            responses.append({"Fault": refusal.fault()})
    return {"AttachableResponse": responses, "time": wire.envelope_time(began)}
