"""The shapes webhooks are made of: a change, an endpoint, a delivery, and what an ERP says of how it writes them.

Belongs here: data without behaviour. What becomes of it is `webhooks.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change to tell of. `operation`: create, update, delete, void, send or merge (`other_id`: who was merged into
    `id`)."""

    entity: str
    id: str
    operation: str
    at: datetime
    other_id: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a delivery that failed is tried again: after each of `waits` (seconds), then every `then`, or, if that is
    None, never again, and the endpoint is disabled. `statuses`: only these are worth another try (None: all, and in any
    case no answer). `holds_back`: later deliveries wait meanwhile."""

    waits: tuple[float, ...]
    then: float | None = None
    statuses: frozenset[int] | None = None
    holds_back: bool = False


Writer = Callable[[str, list[Change]], tuple[dict[str, str], bytes]]
"""(verifier, changes) to headers and body."""


@dataclass(frozen=True, slots=True)
class Notices:
    """What an ERP says of its webhooks. The first format is the default; each names its default scheme."""

    formats: Mapping[str, tuple[Writer, str]]
    schemes: Mapping[str, Scheme]
    accepted: frozenset[int]
    answer_seconds_max: float


class Endpoint(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One registered address. `entities`: None for all. `is_automatic`: sent as changes come, else only when flushed.
    `delay_seconds`: every delivery waits so long. `group_max`: changes in one delivery."""

    url: str
    verifier: str = ""
    format: str = ""
    retries: str = ""
    entities: list[str] | None = None
    is_automatic: bool = msgspec.field(name="automatic", default=True)
    delay_seconds: float = 0.0
    group_max: int = 100
    number: int = 0
    is_disabled: bool = msgspec.field(name="disabled", default=False)


class DeliveryRule(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What goes wrong with the `nth` delivery from now, or with `count` of them beginning at `from`: it is dropped,
    sent `copies` times, signed with a wrong key, sent `delay_seconds` later or after so many `later_deliveries`, or its
    events are reversed."""

    nth: int | None = None
    first: int = msgspec.field(name="from", default=1)
    count: int | None = None
    drop: bool = False
    copies: int = 1
    forge: bool = False
    delay_seconds: float = 0.0
    later_deliveries: int = 0
    reverse: bool = False

    def hits(self, ordinal: int) -> bool:
        if self.nth is not None:
            return ordinal == self.nth
        return self.first <= ordinal and (self.count is None or ordinal < self.first + self.count)


@dataclass(slots=True)
class Delivery:
    """One request to be made: `due_at` on the clock and, with `due_after`, only when so many deliveries were cut."""

    number: int
    endpoint: int
    changes: list[Change]
    headers: dict[str, str]
    body: bytes
    due_at: datetime
    due_after: int = 0
    attempts: int = 0
    copy: int = 0
    is_forged: bool = False


@dataclass
class State:
    """What a snapshot keeps."""

    endpoints: list[Endpoint] = field(default_factory=list)
    pending: list[Change] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)
    numbers: int = 0


def copied(state: State) -> State:
    return State(
        [msgspec.structs.replace(each) for each in state.endpoints],
        list(state.pending),
        [replace(each) for each in state.waiting],
        dict(state.seen),
        state.numbers,
    )
