"""What would be sent for a record, or everything that keeps it from being sent.

Belongs here: asking the composer about one record, so that one which nobody foresaw is held by itself and stops no
other. What is to be said at all is `plan.py`.
"""

from __future__ import annotations

from typing import Any

from ledger.choices import outside_choices
from ledger.fields import MappingError
from resources.connector import Composer, Refusal, Wanted
from resources.errors import ErrorKind


def composed(composer: Composer, wanted: Wanted) -> dict[str, Any] | list[Refusal]:
    """The body, or why there is none."""
    try:
        return _of_choices(wanted) or list(composer.refusals(wanted)) or composer.body(wanted)
    except MappingError as error:
        return [Refusal(error.field, error.found, error.expected, kind=ErrorKind.MAPPING)]
    except Exception as error:  # It is shown with what it did, as the merge does with what it cannot read.
        found = f"{type(error).__name__}: {error}"
        return [Refusal("the whole record", found, "a record that can be composed", kind=ErrorKind.UNKNOWN)]


def _of_choices(wanted: Wanted) -> list[Refusal]:
    """What SQL took and no record may say: an intent with it could be sent, and never be read again."""
    return [
        Refusal(place, found, f"one of {', '.join(choices)}", "say one of them", ErrorKind.VALIDATION)
        for place, found, choices in (outside_choices(wanted.entity, wanted.record) if wanted.record else ())
    ]
