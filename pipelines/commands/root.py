"""The words of `tieout`: what can be said to it, and where each is answered. Starting it imports no Dagster."""

from __future__ import annotations

import typer

from pipelines.commands import (
    apps,
    breaks,
    coding,
    connecting,
    deciding,
    importing,
    keys,
    looking,
    meeting,
    pushing,
    reconciling,
    reporting,
    setup,
    switching,
    syncing,
    vaulting,
)

app = typer.Typer(
    name="tieout",
    help="Keeps an AR/AP ledger in Postgres and your ERPs in step, to the cent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("init")(setup.init)
app.command("up")(setup.up)
app.add_typer(connecting.app, name="connections")
app.add_typer(apps.app, name="apps")
app.command("sync")(syncing.sync)
app.command("push")(pushing.push)
app.command("import")(importing.import_)
app.command("reconcile")(reconciling.reconcile)
app.add_typer(breaks.app, name="breaks")
app.add_typer(reporting.app, name="reports")
app.command("meet")(meeting.meet)
app.add_typer(deciding.conflicts_app, name="conflicts")
app.add_typer(deciding.policies_app, name="policies")
app.command("errors")(looking.errors)
app.command("explain")(looking.explain)
app.add_typer(coding.app, name="codes")
app.command("switch")(switching.switch)
app.command("switches")(switching.switches)
app.command("maintenance")(switching.maintenance)
app.add_typer(keys.app, name="keys")
app.add_typer(vaulting.app, name="vault")
app.add_typer(setup.db_app, name="db")
app.command("doctor")(setup.doctor)
