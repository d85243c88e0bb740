"""The files beside the pages: one stylesheet, one script, one icon."""

from fastapi import Response

from gateway.console.pages import files, new_router
from gateway.problems import Refused

router = new_router()


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """One file; it may be kept for ever, because its address names its content."""
    if name not in files():
        raise Refused(404, "There is no such file")
    content, media_type = files()[name]
    return Response(content, media_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})
