"""Whether the process lives, and whether it can do its work."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

router = APIRouter()


class Health(BaseModel):
    live: bool = True
    ready: bool
    """The broker is there; without it nothing reaches a station."""


@router.get("/health")
def health(request: Request, response: Response) -> Health:
    """503 until ready."""
    link = getattr(request.app.state, "link", None)
    ready = link is not None and link.connection is not None
    response.status_code = 200 if ready else 503
    return Health(ready=ready)
