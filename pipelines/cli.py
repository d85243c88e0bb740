"""The console script `tieout`; what can be said to it is in `pipelines/commands/root.py`.

Belongs here: only what must work although the commands cannot be imported. That reads every entity, so a wrong
definition is met there, before any command that could say so.
"""

from __future__ import annotations

import sys

from pipelines.commands.console import say_failed
from resources.errors import TieoutError
from resources.understanding import understood, wrong_definition


def main() -> None:
    """Answer one command. A wrong definition is one sentence, whether importing the commands meets it or Dagster."""
    try:
        from pipelines.commands.root import app

        app()
    except Exception as error:
        if (found := understood(error) or _of_dagster(error)) is None:
            raise
        sys.exit(say_failed(found))


def _of_dagster(error: Exception) -> TieoutError | None:
    # Not imported for this: most commands do without it, and then it has refused nothing.
    dagster = sys.modules.get("dagster")
    is_wrong = dagster is not None and isinstance(error, dagster.DagsterInvalidDefinitionError)
    return wrong_definition(error) if is_wrong else None


if __name__ == "__main__":
    main()
