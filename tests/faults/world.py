"""The world of a schedule: a simulated company, a real Postgres, and the product in processes that can be killed.

Belongs here: what can be done to the world and asked of it. Every schedule begins in the same world: the company is put
back from a snapshot, and the rows of every table from a copy, so that a seed means the same whatever ran before it.
What is done, and when, is `schedule.py`; what must hold afterwards is `invariants.py`.
"""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg
from psycopg.rows import dict_row

from resources.erps import erp_of as erp_spec
from resources.stores.embedded import ensure_running
from tests.books import Books, open_services
from tests.conftest import ScratchDatabase
from tests.copied import copied
from tests.faults.cluster import CLUSTER
from tests.faults.erps import Erp, erp_of
from tests.faults.kinds import Kind
from tests.faults.letters import KEY, Letters
from tests.house import ROOT, connect_simulator, prepare_database, running_simulator

CALL_SECONDS_MAX = 60
# Tokens live for an hour; what is copied is made anew before they end.
COPY_SECONDS_MAX = 1500.0


class Control:
    """The control API of a simulator over one connection: it is asked some forty times in a schedule."""

    def __init__(self, base_url: str) -> None:
        self._line = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=CALL_SECONDS_MAX)

    def call(self, method: str, name: str, body: Any = None) -> tuple[int, bytes]:
        """(status, body) of the answer. One that the simulator has closed since is opened again."""
        sent = None if method != "POST" else json.dumps(body).encode()
        try:
            return self._once(method, name, sent)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._line.close()
            return self._once(method, name, sent)

    def _once(self, method: str, name: str, sent: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if sent is not None else {}
        self._line.request(method, f"/_sandbox/{name}", body=sent, headers=headers)
        answer = self._line.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self._line.close()


@dataclass
class World:
    """`passed` counts the points that were passed; `struck` the pairs (point, strike) that came, and (point, fault)
    where the point was passed by an action that the fault hit; `killed` (point, which passing).
    """

    erp: Erp
    books: Books
    zygote: subprocess.Popen[str]
    letters: Letters
    passed: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    killed: Counter[tuple[str, int]] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    copied_at: float = 0.0

    def __post_init__(self) -> None:
        self.http = Control(self.books.simulator.base_url)
        self.refused: Any = None
        self.hand = self._new_hand()
        self.copy()

    def _new_hand(self) -> psycopg.Connection[Any]:
        """Ours, who may look at everything and spoil it."""
        hand = self.books.database.connect("superuser")
        hand.execute("select set_config('tieout.tenant', %s, false)", (self.books.tenant,))
        return hand

    def close(self) -> None:
        self.hand.close()
        self.http.close()

    def forget_counts(self) -> None:
        for counted in (self.passed, self.struck, self.killed):
            counted.clear()

    # Back to the beginning

    def copy(self) -> None:
        """Remember the world as it is now."""
        self.books.simulator.post("snapshot", {"name": "beginning"})
        self._reset = copied(self.hand)
        self.copied_at = time.monotonic()

    def reset(self) -> None:
        """Back to where the world was copied; made anew there if its tokens are about to end."""
        self.control("faults", [])
        self.control("script", [])
        self.control("restore", {"name": "beginning"})
        self.control("clock", {})
        self.control("switches", dict(self.erp.switches))
        self.http.call("DELETE", "log")
        self.http.call("DELETE", "webhooks/log")
        self.hand.execute(self._reset)
        self.said.clear()
        if time.monotonic() - self.copied_at > COPY_SECONDS_MAX:
            self.work({"do": "full"})
            self.copy()

    # The product

    def work(self, *actions: dict[str, Any], fault: str = "", rules: Sequence[dict[str, Any]] = ()) -> list[Any]:
        """Run actions of the product at once, each in its own process, under the rules of a fault; gives how each
        ended (see `zygote.py`).
        """
        if rules:
            self.control("faults", list(rules))
        asked = [{"connection": self.books.name, **action} for action in actions]
        assert self.zygote.stdin and self.zygote.stdout
        self.zygote.stdin.write(json.dumps(asked) + "\n")
        self.zygote.stdin.flush()
        ended = json.loads(self.zygote.stdout.readline())
        struck = fault if rules and any(rule.get("matched") for rule in self.ask("faults")) else ""
        if rules:
            self.control("faults", [])
        if any(
            end["struck"] and (action.get("strike") or {}).get("how") == "restart"
            for action, end in zip(asked, ended, strict=True)
        ):
            self.hand.close()
            self.hand = self._new_hand()
        for action, end in zip(asked, ended, strict=True):
            self.passed.update(end["passed"])
            self._count(action.get("strike"), end, struck)
            if end["said"]:
                self.said.append(f"{action['do']}: {end['said']}")
        return ended

    def _count(self, strike: dict[str, Any] | None, end: dict[str, Any], fault: str) -> None:
        if strike and end["struck"]:
            self.struck[strike["point"], strike["how"]] += 1
            if strike["how"] == "kill":
                self.killed[strike["point"], strike["nth"]] += 1
        for point in end["passed"] if fault else ():
            self.struck[point, fault] += 1

    def let_intents_age(self, seconds: int) -> None:
        """So much time passes for what is in doubt; the company's own clock is moved apart from that."""
        self.hand.execute(
            "update sync.outbox set sent_at = sent_at - make_interval(secs => %(s)s), "
            "tried_at = tried_at - make_interval(secs => %(s)s), "
            "due_at = due_at - make_interval(secs => %(s)s) where state in ('sent', 'waiting')",
            {"s": seconds},
        )
        # And for what was there before.
        self.hand.execute("update sync.bindings set bound_at = bound_at - make_interval(secs => %s)", (seconds,))

    def let_censuses_be_taken(self) -> None:
        """So much time passes that a census which has failed is taken again."""
        self.hand.execute("update sync.cursors set census_again_at = null")

    # The company over there

    def deliver(self, *, is_early: bool = False) -> int:
        """What is due of the company's webhooks comes now, or all that waits; gives how many deliveries came."""
        self.control("webhooks/flush", {"early": is_early})
        return self.letters.hand_on()

    def control(self, name: str, body: Any) -> Any:
        status, said = self.http.call("POST", name, body)
        assert status < 400, f"{name}: {status} {said[:500]!r}"
        return json.loads(said) if said else None

    def ask(self, name: str, **parameters: str) -> Any:
        status, said = self.http.call("GET", f"{name}?{urlencode(parameters)}" if parameters else name)
        assert status < 400, f"{name}: {status} {said[:500]!r}"
        return json.loads(said, parse_float=Decimal)

    def there(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Everything that is in the company now, by the ledger's word for it and id."""
        found = self.ask("state")
        return {
            entity: {
                self.erp.id_of(one): one
                for wire in self.erp.lists_of(kind)
                for one in found.get(wire, [])
                if self._is_there(kind, one)
            }
            for entity, kind in self.erp.kinds.items()
        }

    def list_there(self, kind: Kind) -> list[dict[str, Any]]:
        return [
            one
            for wire in self.erp.lists_of(kind)
            for one in self.ask("state", entity=wire).get(wire, [])
            if self._is_there(kind, one)
        ]

    def _is_there(self, kind: Kind, one: dict[str, Any]) -> bool:
        return self.erp.is_of(kind, one) and not self.erp.is_gone(one)

    def edit_there(self, kind: Kind, edit: dict[str, Any]) -> dict[str, Any] | None:
        """Somebody works in the company; None if it refuses."""
        said = self.answer_there(edit)
        return None if said is None else self.erp.made(kind, said)

    def edited_there(self, edit: dict[str, Any]) -> bool:
        """Somebody does there what makes or changes no record of a kind; False if it is refused."""
        return self.answer_there(edit) is not None

    def answer_there(self, edit: dict[str, Any]) -> Any:
        """The same; what the company answers, None if it refuses."""
        status, answer = self.http.call("POST", "edit", edit)
        said = json.loads(answer)
        if status < 400 and not self.erp.was_refused(said):
            return said
        self.refused = said
        return None

    # The database

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.hand.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> dict[str, Any] | None:
        return next(iter(self.rows(statement, *values)), None)


@contextmanager
def running_zygote(erp: Erp, books: Books) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.faults.zygote",
            erp.name,
            _as_worker(books),
            str(books.home),
            str(books.database.server.home),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(timeout=30)


def _as_worker(books: Books) -> str:
    url = books.database.url()
    return f"{url}{'&' if '?' in url else '?'}application_name=worker"


@contextmanager
def running_world(home: Path, erp_name: str = "quickbooks") -> Iterator[World]:
    """A cluster, a database, a simulator and a company of its own, synced, and the product ready to be struck."""
    erp = erp_of(erp_name)
    with ExitStack() as until_the_end:
        enter = until_the_end.enter_context
        server = enter(ensure_running(home / "server", options=CLUSTER))
        database = ScratchDatabase(f"world_{secrets.token_hex(4)}", server)
        with psycopg.connect(server.url("owner", "postgres"), autocommit=True) as owner:
            owner.execute(f"create database {database.name} template template0")
        prepare_database(database)
        simulator = enter(running_simulator("--no-limits", erp=erp.name))
        simulator.reset("empty")
        services = enter(open_services(database.url(), home))
        # As in the product's processes: no minute is sat out for what the first sync has asked.
        services.pace = 0.0
        reader = erp_spec(erp.name).webhooks
        assert reader is not None, erp.name
        connect_simulator(services, simulator, erp=erp.name, **{reader.key_setting: KEY})
        books = Books(services, database, simulator, home)
        erp.furnish(books)
        books.sync()
        held = books.open_errors()
        assert not held, held
        letters = enter(closing(Letters(services, books.name)))
        simulator.post("webhooks", letters.endpoint)
        yield enter(closing(World(erp, books, enter(running_zygote(erp, books)), letters)))
