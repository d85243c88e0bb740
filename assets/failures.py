"""What Dagster does about each class of error: said once, here.

A permanent failure stops all three layers that try again: the step's own retries, the run's, and a person's patience
(the description says what to do).
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from resources.errors import ErrorKind, TieoutError


def seen_failure(context: dg.AssetExecutionContext, connection: str, doing: str, error: Exception) -> TieoutError:
    """Log what one connection's work ended with, so that the others' can go on; what nobody foresaw with its trace."""
    if isinstance(error, TieoutError):
        context.log.error(str(error))
        return error
    context.log.exception(f"{connection}: {doing}")
    return TieoutError(
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
