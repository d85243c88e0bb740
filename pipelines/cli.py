"""The console script `tieout`; what can be said to it is in `pipelines/commands/root.py`.

Belongs here: only what must work although the commands cannot be imported. That reads every entity, so a wrong
definition is met there, before any command that could say so.
"""

from __future__ import annotations

import sys

from ledger.spec import SpecError
from pipelines.commands.console import say_failed
from resources.errors import ErrorKind, TieoutError


def main() -> None:
    """Answer one command. A wrong definition is one sentence, whoever meets it: an import, a mapping or Dagster."""
    try:
        from pipelines.commands.root import app

        app()
    except Exception as error:
        if not _is_of_definitions(error):
            raise
        sys.exit(say_failed(_wrong_definition(error)))


def _is_of_definitions(error: Exception) -> bool:
    if isinstance(error, SpecError):
        return True
    # Not imported for this: most commands do without it, and then it has refused nothing.
    dagster = sys.modules.get("dagster")
    return dagster is not None and isinstance(error, dagster.DagsterInvalidDefinitionError)


def _wrong_definition(error: Exception) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing="reading the definitions",
        found=" ".join(str(error).split()),
        expected="definitions that something can be built from",
        next_step="correct what is named",
    )


if __name__ == "__main__":
    main()
