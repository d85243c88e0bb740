"""The life of a simulated company: starting over, loading, editing by hand, snapshots, the file.

Belongs here: what the control API asks and a restart needs. Answering the API is `app.py` and `routes.py`.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from sandbox.control import edit_path
from sandbox.http import Request
from sandbox.quickbooks import wire
from sandbox.quickbooks.defaults import build_empty
from sandbox.quickbooks.lag import Lag
from sandbox.quickbooks.limits import Limits
from sandbox.quickbooks.notices import notices
from sandbox.quickbooks.oauth import OAuth
from sandbox.quickbooks.recorder import Recorder
from sandbox.quickbooks.replays import Replays
from sandbox.quickbooks.spec import BY_NAME, ENTITIES
from sandbox.quickbooks.store import Store, inner
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.table import Row
from sandbox.quickbooks.writes import Writer
from sandbox.world import World


class Company:
    """One company and all that is kept of it."""

    def __init__(self, world: World, *, realm_id: str) -> None:
        self.world, self.realm_id = world, realm_id
        self.options = Switches()
        self.limits = Limits()
        self._clear()
        world.webhooks.notices = notices(world, realm_id, self.oauth.client_id)

    def _clear(self) -> None:
        self.store = Store(self._changed)
        self.oauth = OAuth(self.world, self.options, self.realm_id)
        self.writer = Writer(self.store, self.options, self.world.clock)
        self.recorder = Recorder(self.world, self.options, self.store, self.writer)
        self.replays = Replays(self.world, self.options)
        self.lag = Lag(self.world, self.options, self.store)
        self._pristine: dict[str, dict[str, str]] = {}

    def _changed(self, entity: str, key: str, before: Row | None, raw: bytes | None, stub: bytes | None) -> None:
        self.lag.note(entity, key, before)
        self.recorder.note(entity, key, before, raw)
        journal = self.world.journal
        if journal is None:
            return
        if raw is not None:
            journal.add_raw("put", entity, key, raw)
        else:
            journal.add("del", entity, key, msgspec.Raw(stub) if stub is not None else None)

    # -- the control API ---------------------------------------------------------------------------------------------

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over. Switches keep their positions; tokens, rate counters and all objects go."""
        built: dict[str, list[dict[str, Any]]] = {}
        if seed == "demo":
            try:
                from sandbox.quickbooks.demo import build_company
            except ImportError as error:
                raise ValueError(f"the demo company cannot be built: {error}") from error
            built = build_company(number)
        self._clear()
        self.limits.clear()
        now = wire.stamp(self.world.clock.now())
        empty = build_empty(now)
        for entity, objects in empty.items():
            if entity not in built:
                self.store.load(entity, [wire.encode(each) for each in objects], now)
                name = BY_NAME[entity].named_by
                self._pristine[entity] = {each[name]: each["Id"] for each in objects if name}
        for entity, objects in built.items():
            self.store.load(entity, [wire.encode(each) for each in objects], now)
        self.writer.forget()
        return {name: len(table.rows) for name, table in self.store.tables.items() if table.rows}

    def load(self, objects: dict[str, list[msgspec.Raw]]) -> dict[str, int]:
        """Store objects as given.

        A loaded object takes the place of one the empty company came with under the same name.
        """
        unknown = sorted(set(objects) - set(BY_NAME))
        if unknown:
            raise ValueError(f"no entity {', '.join(unknown)}; there are {', '.join(sorted(BY_NAME))}")
        now = wire.stamp(self.world.clock.now())
        counts = {}
        for entity, group in objects.items():
            self._make_room(entity, group)
            counts[entity] = self.store.load(entity, group, now)
        self.writer.forget()
        return counts

    def _make_room(self, entity: str, group: list[msgspec.Raw]) -> None:
        pristine = self._pristine.get(entity)
        if not pristine:
            return
        name = BY_NAME[entity].named_by
        for given in group:
            value = wire.decode(given)
            own = pristine.pop(str(value.get(name)), None)
            if own is not None and own != value.get("Id") and own in self.store.tables[entity].rows:
                self.store.drop(entity, own)
            for other, key in list(pristine.items()):
                if key == value.get("Id"):
                    del pristine[other]

    def tokens(self) -> dict[str, Any]:
        minted = self.oauth.mint()
        self.keep_oauth()
        return minted

    def disconnect(self) -> None:
        """The user takes the app off in QuickBooks."""
        self.oauth.disconnect()
        self.keep_oauth()

    def turn(self, changes: dict[str, Any]) -> None:
        """Turn switches. Raises ValueError."""
        self.options.turn(changes)

    def state(self, entity: str | None) -> Iterator[bytes]:
        """All objects by entity, in pieces. Raises ValueError."""
        if entity is not None and entity not in BY_NAME:
            raise ValueError(f"no entity {entity}; there are {', '.join(sorted(BY_NAME))}")
        return self._pieces(
            [entity] if entity else [each.name for each in ENTITIES if self.store.tables[each.name].rows]
        )

    def _pieces(self, names: list[str]) -> Iterator[bytes]:
        opening = b"{"
        for name in names:
            yield opening + b'"' + name.encode() + b'":['
            rows = list(self.store.objects(name))
            for start in range(0, len(rows), 1000):
                yield (b"," if start else b"") + b",".join(rows[start : start + 1000])
            yield b"]"
            opening = b","
        yield b"}" if names else b"{}"

    def edit_request(self, edit: dict[str, Any]) -> Request:
        """{"method", "path", "body"} as it is; or {"operation": create|update|delete|void|send|merge, "entity", "id",
        "body"}: a person in QuickBooks, who always has the present SyncToken before them; such an update is sparse,
        send takes "to", an e-mail address, and merge "deleted_id", who is merged into "id"."""
        if "operation" in edit:
            edit = self._spelled_out(edit)
        method, path, query_string = edit_path(edit)
        if not path.startswith("/v3/company/"):
            path = f"/v3/company/{self.realm_id}{path}"
        headers = {"accept": "application/json", "content-type": "application/json"}
        body = wire.encode(edit["body"]) if edit.get("body") is not None else b""
        return Request(method, path, query_string, headers, body)

    def _spelled_out(self, edit: dict[str, Any]) -> dict[str, Any]:
        operation, name, body = edit["operation"], edit.get("entity"), dict(edit.get("body") or {})
        if name not in BY_NAME:
            raise ValueError(f"entity is {name!r}, it must be one of {', '.join(sorted(BY_NAME))}")
        entity = BY_NAME[name]
        path = f"/{entity.path}"
        if operation == "create":
            return {"path": path, "body": body}
        key = str(edit.get("id") or inner(entity, body).get("Id") or "")
        present = self.store.get(name, key)
        if present is None:
            raise ValueError(f"there is no {name} with Id {key!r}")
        address: dict[str, Any] = {"Id": key, "SyncToken": inner(entity, present)["SyncToken"]}
        body = {**{each: present[each] for each in entity.sparse_required.split() if each in present}, **body}
        change = {**body, **address, "sparse": True}
        if entity.is_wrapper:
            (kind,) = present
            address, change = {kind: address}, {kind: {**body.get(kind, body), **address, "sparse": True}}
        paths: dict[str, dict[str, Any]] = {
            "update": {"path": path, "body": change},
            "delete": {"path": f"{path}?operation=delete", "body": address},
            "void": {"path": f"{path}?operation=void", "body": address},
            "merge": {
                "path": f"{path}?operation=merge",
                "body": {"Id": key, "deletedId": str(edit.get("deleted_id", ""))},
            },
            "send": {"path": f"{path}/{key}/send?sendTo={quote(str(edit.get('to', '')))}"},
        }
        if operation not in paths:
            raise ValueError(f"operation is {operation!r}, it must be create, {', '.join(paths)}")
        return paths[operation]

    # -- snapshots and the file --------------------------------------------------------------------------------------

    def snapshot(self) -> Any:
        """Everything but the World and the rate counters."""
        return (
            self.store.snapshot(),
            self.oauth.snapshot(),
            self.replays.snapshot(),
            self.options.values(),
            {entity: dict(names) for entity, names in self._pristine.items()},
        )

    def restore(self, snapshot: Any) -> None:
        store, oauth, replays, switches, pristine = snapshot
        self.store.restore(store)
        self.oauth.restore(oauth)
        self.replays.restore(replays)
        self.options.turn(switches)
        self._pristine = {entity: dict(names) for entity, names in pristine.items()}
        self.writer.forget()
        self.limits.clear()
        self.lag.clear()

    def keep_oauth(self) -> None:
        """Tokens changed: a restart must know."""
        if self.world.journal is not None:
            self.world.journal.add("oauth", self.oauth.snapshot())

    def entries(self) -> Iterator[tuple[Any, ...]]:
        """The journal entries that make the present state."""
        for name, value in self.store.counters.items():
            yield "counter", name, value
        for name, table in self.store.tables.items():
            for key, row in table.rows.items():
                yield "put", name, key, msgspec.Raw(row.raw)
            for key, (_, stub) in table.stubs.items():
                yield "del", name, key, msgspec.Raw(stub)
        yield from self.replays.entries()
        yield "oauth", self.oauth.snapshot()

    def take(self, kind: str, *values: Any) -> None:
        """Take over one entry of a journal file."""
        if kind == "put":
            entity, key, value = values
            self.store.take(entity, key, wire.encode(value), None)
        elif kind == "del":
            entity, key, stub = values
            self.store.take(entity, key, None, wire.encode(stub) if stub else None)
        elif kind == "counter":
            name, value = values
            self.store.counters[name] = value
        elif kind == "request":
            self.replays.take(*values)
        elif kind == "oauth":
            self.oauth.restore(*values)
        else:
            raise ValueError(f"the file has an entry {kind!r}, which this simulator does not write")
