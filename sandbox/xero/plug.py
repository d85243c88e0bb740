"""How Xero plugs into the simulators: its own command line arguments, and building its organisations.

Belongs here: what `sandbox/erps.py` asks of a plug, nothing else.
"""

import argparse

from sandbox.world import World
from sandbox.xero.app import Xero

TENANT_ID = "4d1f7a52-6d4e-4c6b-9f0f-2f2b5a0c9d11"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", default=TENANT_ID, metavar="ID", help="the first organisation's tenant id")


def build(world: World, arguments: argparse.Namespace) -> Xero:
    xero = Xero(world, tenant_id=arguments.tenant.lower())
    if arguments.no_limits:
        xero.options.turn({"rate_limits": False})
    return xero
