"""What a simulator sees of HTTP: a request, an answer, nothing of the server.

Belongs here: the two shapes every ERP simulator works with. Reading them off the socket is `host.py`.
"""

import gzip
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body already read.

    Header names are lower case; `base_url` is how the caller reached us; `in_flight` counts the requests at work,
    this one included.
    """

    method: str
    path: str
    query_string: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""
    in_flight: int = 1

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `body` is sent as it is."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def compressed(answer: Answer, request: Request) -> Answer:
    """The answer gzipped, if its body is worth it and the client accepts that."""
    is_accepted = "gzip" in request.headers.get("accept-encoding", "")
    if not is_accepted or len(answer.body) < 1024 or "Content-Encoding" in answer.headers:
        return answer
    headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    # The time in gzip's header is left at 0: the same answer is the same bytes.
    return Answer(answer.status, gzip.compress(answer.body, 1, mtime=0), answer.content_type, headers)
