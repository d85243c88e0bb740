"""What Dagster does about each class of error: said once, here.

A permanent failure stops all three layers that try again: the step's own retries, the run's, and a person's patience
(the description says what to do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import dagster as dg

from resources.errors import ErrorKind, TieoutError
from resources.understanding import understood


@contextmanager
def foreseen() -> Iterator[None]:
    """What concerns no connection, such as a database that is away, ends a step with one sentence and no trace."""
    try:
        yield
    except Exception as error:
        if (found := understood(error)) is None:
            raise
        raise failure_of([found]) from None


def failing_clearly(step: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """A step that yields its results, `foreseen` from its first line to its last."""

    @wraps(step)
    def run(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with foreseen():
            yield from step(*args, **kwargs)

    return run


def seen_failure(context: dg.AssetExecutionContext, connection: str, doing: str, error: Exception) -> TieoutError:
    """Log what one connection's work ended with, so that the others' can go on; what nobody foresaw with its trace."""
    if isinstance(error, TieoutError):
        context.log.error(str(error))
        return error
    context.log.exception(f"{connection}: {doing}")
    return understood(error) or TieoutError(
        ErrorKind.UNKNOWN, connection=connection, doing=doing, found=f"{type(error).__name__}: {error}".strip()
    )


def failure_of(failures: Sequence[TieoutError]) -> dg.Failure:
    """One Dagster failure for what went wrong in a step; retried only if every part of it may pass by itself."""
    return dg.Failure(
        description="\n".join(str(error) for error in failures),
        metadata={
            "errors": dg.MetadataValue.table(
                [
                    dg.TableRecord(
                        {
                            "connection": error.connection or "",
                            "code": error.code,
                            "kind": error.kind.value,
                            "doing": error.doing,
                            "found": error.found,
                            "expected": error.expected,
                            "next": error.next_step,
                        }
                    )
                    for error in failures
                ]
            )
        },
        allow_retries=all(error.is_retryable for error in failures),
    )
