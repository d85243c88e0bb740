"""How commands speak: one JSON object or a table on standard output, errors on standard error, three exit codes.

0: done. 1: ran, but found something wrong. 2: wrong usage or configuration.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from resources.errors import ErrorKind, TieoutError
from resources.settings import SettingsError, load_settings
from resources.understanding import understood

if TYPE_CHECKING:
    from resources.services import Services

EXIT_DONE = 0
EXIT_FOUND_WRONG = 1
EXIT_USAGE = 2

# A pipe has no width of its own; a table folded to 80 columns helps nobody.
PIPE_COLUMNS = 140
WORD_COLUMNS = 16
out = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]

# What the caller can mend by calling differently, as against what was found wrong in the books or over there.
_USAGE_KINDS = frozenset({ErrorKind.VALIDATION, ErrorKind.NOT_FOUND, ErrorKind.DUPLICATE})


def command(function: Callable[..., int | None]) -> Callable[..., None]:
    """Make a function a command: its result is the exit code, what is `understood` one sentence on standard error."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = function(*args, **kwargs)
        except Exception as error:
            if (found := understood(error)) is None:
                raise
            fail(found)
        raise typer.Exit(code or EXIT_DONE)

    return run


def fail(error: TieoutError) -> NoReturn:
    """Say what went wrong, without a stack trace, and leave the command."""
    raise typer.Exit(say_failed(error))


def say_failed(error: TieoutError) -> int:
    """Say what went wrong on standard error; returns the exit code."""
    if "--json" in sys.argv:
        print_json({"error": error.as_row()})
    err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    is_usage = isinstance(error, SettingsError) or error.kind in _USAGE_KINDS
    return EXIT_USAGE if is_usage else EXIT_FOUND_WRONG


def person() -> str:
    """Who sits at the keyboard, as far as the operating system knows."""
    return getpass.getuser()


@contextmanager
def services() -> Iterator[Services]:
    """Settings read, database reached; closed at the end."""
    with opening():
        # Reads every entity, and what is wrong with one has to be said by this module.
        from resources.services import Services

        opened = Services(load_settings())
    with opened:
        yield opened


def print_json(value: Any) -> None:
    """One JSON object; amounts as text, so that nobody's parser turns them into floats."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()
) -> None:
    """A table for people; columns named in `right` hold figures."""
    table = Table(header_style="dim")
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    for i, (column, floor) in enumerate(zip(columns, _floors(columns, texts), strict=True)):
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column in right or not i,
            min_width=floor,
        )
    for row in texts:
        table.add_row(*row)
    # A title of rich's own would be folded to the width of its table.
    out.print(title, style="bold", highlight=False, markup=False, soft_wrap=True)
    out.print(table)


def _floors(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    """How narrow each column may become: as its longest word, so that sentences are folded and words are not.

    1 for all where the terminal has no room for that.
    """
    cells = [(column, *(row[i] for row in texts)) for i, column in enumerate(columns)]
    longest = [max((len(word) for cell in of_column for word in cell.split()), default=1) for of_column in cells]
    floors = [min(WORD_COLUMNS, length) for length in longest]
    borders = 3 * len(columns) + 1
    return floors if sum(floors) + borders <= out.width else [1] * len(columns)


def opening() -> AbstractContextManager[object]:
    """Shown until the database is there: an embedded one that stands still has to start, or even to be made."""
    return progress("Opening the books")


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """A moving bar with the time on standard error for whatever takes long; call the result with what is happening.

    For people at a terminal: nothing of it is in a pipe, or beside the JSON that a program reads.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
    is_shown = err.is_terminal and "--json" not in sys.argv
    with Progress(*columns, console=err, transient=True, disable=not is_shown) as bar:
        task = bar.add_task(title, total=None)
        yield lambda says: bar.update(task, description=f"{title}: {says}")


def print_statements(found: Sequence[dict[str, Any]]) -> None:
    """What could not be compared, or has to be known to read the totals."""
    for one in found:
        style = "red" if one["is_blocking"] else None
        out.print(f"  {one['module']} {one['code']}: {one['says']}", style=style, highlight=False, markup=False)
