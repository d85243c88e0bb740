"""A simulated company and the people who work in it, as the show knows them; their ERP's words are in its own module.

Belongs here: what each company can be asked for, and the calls of the simulator's control API.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
import requests

from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError

CALL_SECONDS_MAX = 30
_as_json = msgspec.json.Encoder(decimal_format="number").encode


class Company(ABC):
    """One simulated company. `connection` is what the demo calls it; `untaxed` its tax code for a line without tax."""

    erp: ClassVar[str]
    connection: ClassVar[str]
    untaxed: ClassVar[str]

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    @property
    def title(self) -> str:
        """The ERP as people call it."""
        return erp_of(self.erp).title

    def credentials(self) -> dict[str, str]:
        """What a connection to it is entered with: its simulator mints a grant."""
        minted = self.call("tokens")
        # The refresh token brings an access token by itself, as it will when that has expired.
        names = [key.name for key in erp_of(self.erp).setting_keys if key.name != "access_token"]
        return {name: minted[name] for name in names if name in minted}

    @abstractmethod
    def take_on(self, name: str) -> None:
        """Somebody enters a customer there, by name alone."""

    @abstractmethod
    def rename(self, external_id: str, name: str) -> None:
        """Somebody gives a customer there another name."""

    @abstractmethod
    def note_on_invoice(self, external_id: str, text: str) -> None:
        """Somebody writes a note on an invoice there."""

    @abstractmethod
    def work(self) -> Iterator[str]:
        """What somebody does there on a usual morning; yields each deed as a sentence."""

    # The simulator

    def objects(self, entity: str) -> list[dict[str, Any]]:
        """Everything of one kind, in the ERP's own words."""
        answer = requests.get(f"{self.base_url}/_sandbox/state", params={"entity": entity}, timeout=CALL_SECONDS_MAX)
        answer.raise_for_status()
        return json.loads(answer.text, parse_float=Decimal).get(entity, [])

    def edit(self, body: Mapping[str, Any]) -> None:
        """Somebody works in the ERP."""
        self.call("edit", body)

    def call(self, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = requests.post(
            f"{self.base_url}/_sandbox/{name}",
            data=_as_json(body or {}),
            headers={"Content-Type": "application/json"},
            timeout=CALL_SECONDS_MAX,
        )
        if not answer.ok:
            raise TieoutError(
                ErrorKind.SYSTEM,
                doing=f"asking the simulator at {self.base_url} for {name}",
                found=answer.text[:300],
                expected="HTTP 200",
            )
        return answer.json()
