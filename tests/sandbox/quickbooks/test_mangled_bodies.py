"""Bodies with pieces missing or replaced by junk: refused or accepted, but never a fault of the simulator's own."""

import copy
import random
from decimal import Decimal
from typing import Any

import pytest

from sandbox.quickbooks.spec import BY_NAME
from tests.sandbox.quickbooks.test_books_balance import KINDS, Bookkeeper

JUNK: list[Any] = [
    None,
    "",
    0,
    -1,
    "1",
    "x" * 5000,
    [],
    {},
    [{}],
    [None],
    {"value": "1"},
    {"value": None},
    True,
    Decimal("0.005"),
    10**30,
    "2026-02-30",
    {"a": 1},
    "名\u0000",
]


class Vandal(Bookkeeper):
    """Sends mangled versions of every body beside the real one."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.statuses: set[int] = set()

    def attempt(self, entity: str, body: dict[str, Any], query: str = "") -> None:
        for sent in (self.mangled(body), self.mangled(body), body):
            before = b"".join(self.company.erp.state(None))
            status, answer = self.company.call("POST", f"/{BY_NAME[entity].path}{query}", sent)
            self.statuses.add(status)
            assert status in (200, 400), (sent, answer)
            assert status == 200 or b"".join(self.company.erp.state(None)) == before, sent

    def mangled(self, body: dict[str, Any]) -> dict[str, Any]:
        result = copy.deepcopy(body)
        for _ in range(self.chance.randrange(1, 4)):
            node: Any = result
            while node:
                key = self.chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
                if isinstance(node[key], (dict, list)) and self.chance.random() < 0.7:
                    node = node[key]
                    continue
                if isinstance(node, dict) and self.chance.random() < 0.4:
                    del node[key]
                else:
                    node[key] = copy.deepcopy(self.chance.choice(JUNK))
                break
        return result


@pytest.mark.parametrize("seed", range(5))
def test_a_mangled_body_is_refused_whole_or_taken_whole(seed: int):
    chance = random.Random(seed)
    vandal = Vandal(chance)

    for _ in range(60):
        amount = Decimal(chance.randrange(1, 99_999)) / 100
        vandal.do(chance.choice(KINDS), chance.randrange(50), chance.randrange(50), amount)

    assert vandal.statuses == {200, 400}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"Line":', b"\xff\xfe", b'{"TotalAmt": 1e999}', b"<Invoice/>"]
)
def test_what_is_not_an_object_is_refused(body: bytes):
    status, answer = Bookkeeper().company.call("POST", "/invoice", body)

    assert (status, answer["Fault"]["Error"][0]["code"]) == (400, "2010")
