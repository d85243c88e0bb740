"""Dagster's handle on the outside world; the only file in `resources` that imports Dagster.

One `Services` a process: a code server evaluates sensors every few seconds and must not start from nothing each time.
"""

from __future__ import annotations

import atexit
from functools import cache

import dagster as dg

from resources.services import Services
from resources.settings import load_settings


class ServicesResource(dg.ConfigurableResource):
    """Settings, database and connectors, made from the environment when first used. Holds no secret itself."""

    def open(self) -> Services:
        return _services()


@cache
def _services() -> Services:
    services = Services(load_settings())
    atexit.register(services.close)
    return services
