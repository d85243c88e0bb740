"""Whether it is well: the process, the database, Dagster. Open to whoever asks, and telling them nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.engine import make_url

from resources.errors import TieoutError
from resources.services import Services

router = APIRouter(tags=["health"])
# Dagster's daemons say every 30 seconds that they live.
HEARTBEAT_SECONDS_MAX = 120


@router.get("/health")
def health(request: Request) -> JSONResponse:
    """Everything below, in one answer: 200 if all is well, 503 if anything is not."""
    found = {"database": _database(request), "dagster": _dagster()}
    return _answer({"status": _worst(found.values()), **found})


@router.get("/health/database")
def database(request: Request) -> JSONResponse:
    """Whether our tables can be read."""
    return _answer(_database(request))


@router.get("/health/dagster")
def dagster() -> JSONResponse:
    """Whether Dagster's daemon has lately said that it lives."""
    return _answer(_dagster())


def _database(request: Request) -> dict[str, Any]:
    services: Services = request.app.state.services
    try:
        with services.fleet() as tx:
            tx.execute("select 1 from sync.connections limit 1")
    except (TieoutError, psycopg.Error) as error:
        return {"status": "down", "says": type(error).__name__}
    return {"status": "ok"}


def _dagster() -> dict[str, Any]:
    url = os.environ.get("TIEOUT_DAGSTER_PG_URL")
    if not url:
        return {"status": "unknown", "says": "the gateway was not started by `tieout up`"}
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(target, connect_timeout=3) as db:
            row = db.execute("select max(timestamp) from daemon_heartbeats").fetchone()
    except psycopg.Error as error:
        return {"status": "down", "says": type(error).__name__}
    if row is None or row[0] is None:
        return {"status": "down", "says": "no daemon has run yet"}
    age = (datetime.now(UTC) - row[0].replace(tzinfo=UTC)).total_seconds()
    return {"status": "ok" if age <= HEARTBEAT_SECONDS_MAX else "down", "heartbeat_age_seconds": round(age)}


def _worst(found: Any) -> str:
    states = {one["status"] for one in found}
    return "down" if "down" in states else "ok"


def _answer(found: dict[str, Any]) -> JSONResponse:
    return JSONResponse(found, 503 if found["status"] == "down" else 200)
