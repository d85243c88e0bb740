"""How QuickBooks plugs into the simulators: its own command line arguments, and building its company.

Belongs here: what `sandbox/erps.py` asks of a plug, nothing else.
"""

import argparse

from sandbox.quickbooks.app import QuickBooks
from sandbox.world import World


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--realm", default="9130357849001216", metavar="ID", help="the company's realm id")


def build(world: World, arguments: argparse.Namespace) -> QuickBooks:
    company = QuickBooks(world, realm_id=arguments.realm)
    if arguments.no_limits:
        company.turn({"rate_limits": False})
    return company
