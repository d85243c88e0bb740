"""The tenant's connections: what there is, and whether it can be reached."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from gateway.access import Operator, Viewer
from resources.connecting import test_connection
from resources.settings import CONNECTION_NAME

router = APIRouter(prefix="/v1/connections", tags=["connections"])
Name = Annotated[str, Path(pattern=f"^{CONNECTION_NAME.pattern}$", description="The connection's name.")]


class ConnectionState(BaseModel):
    """`state` is active, paused, reconnect or disconnected; `meeting` is pending while both books have not met."""

    name: str
    erp: str
    company: str | None
    home_currency: str | None
    state: str
    meeting: str
    next_pull_at: datetime


class Reached(BaseModel):
    company: str
    home_currency: str
    granted_until: datetime | None
    warnings: list[str]


@router.get("")
def list_connections(caller: Viewer) -> list[ConnectionState]:
    """Every connection of the tenant."""
    return [
        ConnectionState(
            name=one.name,
            erp=one.erp,
            company=one.company_name,
            home_currency=one.home_currency,
            state=one.state,
            meeting=one.meeting,
            next_pull_at=one.next_pull_at,
        )
        for one in caller.connections()
    ]


@router.post("/{name}/test")
def test(name: Name, caller: Operator) -> Reached:
    """Ask the company who it is. Fails with the ERP's refusal, in a sentence."""
    report = test_connection(caller.services, caller.connection(name).name)
    return Reached(
        company=report.company_name,
        home_currency=report.home_currency,
        granted_until=report.granted_until,
        warnings=list(report.warnings),
    )
