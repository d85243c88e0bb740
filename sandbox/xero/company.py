"""The life of the simulated organisations: starting over, loading, editing by hand, snapshots, the file.

Belongs here: what the control API asks and a restart needs. Answering the API is `app.py` and `routes.py`.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.http import Request
from sandbox.world import World
from sandbox.xero import defaults, edits, wire
from sandbox.xero.connections import Connections
from sandbox.xero.identity import Identity
from sandbox.xero.limits import Limits
from sandbox.xero.notices import notices
from sandbox.xero.reading import Reader
from sandbox.xero.replays import Replays
from sandbox.xero.resources import BY_COLLECTION, BY_NAME, Resource, collection_of
from sandbox.xero.store import Books
from sandbox.xero.switches import Switches
from sandbox.xero.writing import Writer

ENVELOPE = {"Id", "Status", "ProviderName", "DateTimeUTC", "pagination", "tenantId"}
_PRISTINE = {"Accounts": "Code", "TaxRates": "TaxType"}
"""What an empty organisation comes with gives way to a loaded record with the same value of this property."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation at work."""

    books: Books
    reader: Reader
    writer: Writer


class Company:
    """All organisations of one simulator and all that is kept of them."""

    def __init__(self, world: World, *, tenant_id: str, name: str = "Sandbox Company") -> None:
        self.world, self._first_id, self._name = world, tenant_id, name
        self.options = Switches()
        self.limits = Limits()
        self._clear()
        world.webhooks.notices = notices(world, self._found)

    def _found(self, collection: str, key: str) -> tuple[str, dict[str, Any]]:
        """Which organisation a record is in, and the record; the first organisation and {} when it is in none."""
        resource = BY_COLLECTION.get(collection)
        for tenant_id, tenant in self.tenants.items():
            found = tenant.books.get(resource.name, key) if resource is not None else None
            if found is not None:
                return tenant_id, found
        return self._first_id, {}

    def _clear(self) -> None:
        self.tenants: dict[str, Tenant] = {}
        self.connections = Connections(self.world, self._names)
        self.identity = Identity(self.world, self.options, self.connections)
        self.replays = Replays(self.world, self.options)

    def _names(self) -> dict[str, str]:
        return {key: each.books.organisation().get("Name", "") for key, each in self.tenants.items()}

    def _open(self, tenant_id: str) -> Tenant:
        """An organisation without records."""
        books = Books(tenant_id)
        self.tenants[tenant_id] = Tenant(books, Reader(books, self.options), Writer(books, self.options))
        books.changed = lambda name, key, raw: self._changed(tenant_id, name, key, raw)
        return self.tenants[tenant_id]

    def _changed(self, tenant_id: str, name: str, key: str, raw: bytes | None) -> None:
        journal = self.world.journal
        if journal is not None and raw is not None:
            journal.add_raw("put", f"{tenant_id}/{name}", key, raw)
        elif journal is not None:
            journal.add("del", f"{tenant_id}/{name}", key)

    def now_ms(self) -> int:
        return wire.ms_of(self.world.clock.now())

    # -- the control API ---------------------------------------------------------------------------------------------

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over with one organisation. Switches keep their positions; tokens and rate counters go."""
        built: dict[str, list[dict[str, Any]]] = {}
        if seed == "demo":
            from sandbox.xero.demo import build_company

            built = build_company(self._first_id, number)
        self._clear()
        self.limits.clear()
        books = self._begin(self._first_id, self._name, "USD")
        if built:
            for name in _PRISTINE:
                for key in list(books.tables[name].rows):
                    books.remove(name, key)
        for name, records in built.items():
            books.load(name, [wire.encode(each) for each in records], self.now_ms())
        return {collection_of(BY_NAME[name]): len(table.rows) for name, table in books.tables.items() if table.rows}

    def _begin(self, tenant_id: str, name: str, base: str) -> Books:
        """An organisation with what every new one has."""
        books = self._open(tenant_id).books
        for resource, records in defaults.build_empty(tenant_id, name, base, self.now_ms()).items():
            books.load(resource, [wire.encode(each) for each in records], self.now_ms())
        return books

    def load(self, objects: dict[str, list[msgspec.Raw]]) -> dict[str, int]:
        """Store records as given, by the names lists have in answers; a captured answer can be loaded as it is.

        "tenantId" says which organisation, else it is the first. An organisation with another id than any there is
        becomes one more. Raises ValueError.
        """
        groups = {name: group for name, group in objects.items() if name not in ENVELOPE}
        unknown = sorted(set(groups) - set(BY_COLLECTION))
        if unknown:
            raise ValueError(f"no resource {', '.join(unknown)}; there are {', '.join(sorted(BY_COLLECTION))}")
        tenant_id = self._first_id
        if "tenantId" in objects:
            tenant_id = str(wire.decode(objects["tenantId"][0]))
        for given in groups.pop("Organisations", []):
            self._load_organisation(wire.decode(given))
        if tenant_id not in self.tenants:
            raise ValueError(f"tenantId is {tenant_id!r}; there are {', '.join(self.tenants)}")
        books, counts = self.tenants[tenant_id].books, {}
        for name, group in groups.items():
            resource = BY_COLLECTION[name]
            self._make_room(books, resource, group)
            counts[name] = books.load(resource.name, group, self.now_ms())
        books.numbers.clear()
        return counts or {"Organisations": len(objects.get("Organisations", []))}

    def _load_organisation(self, value: dict[str, Any]) -> None:
        key = value.setdefault("OrganisationID", self._first_id)
        if key not in self.tenants:
            self._begin(key, str(value.get("Name", "")), str(value.get("BaseCurrency", "USD")))
        books = self.tenants[key].books
        present = books.organisation()
        if value.get("BaseCurrency", present["BaseCurrency"]) != present["BaseCurrency"]:
            code = value["BaseCurrency"]
            books.save("Currencies", {"Code": code, "Description": code})
        books.save("Organisation", {**present, **value})

    def _make_room(self, books: Books, resource: Resource, group: list[msgspec.Raw]) -> None:
        path = _PRISTINE.get(resource.name)
        if path is None:
            return
        for given in group:
            value = wire.decode(given)
            for key in list(books.tables[resource.name].equal(path, value.get(path))) if value.get(path) else ():
                if key != value.get(resource.key):
                    books.remove(resource.name, key)

    def tokens(self) -> dict[str, Any]:
        minted = self.identity.mint()
        self.keep_identity()
        return minted

    def disconnect(self) -> None:
        """The user takes every app off: all tokens and connections go."""
        self.identity.revoke_all()
        self.connections.disconnect_all()
        self.keep_identity()

    def state(self, entity: str | None) -> Iterator[bytes]:
        """All records of the first organisation by resource, in pieces; `entity` is a resource, a tenant id, or both as
        `<tenant id>/Invoices`. Raises ValueError."""
        tenant_id, _, name = (entity or self._first_id).partition("/")
        if tenant_id not in self.tenants:
            tenant_id, name = self._first_id, entity or ""
        if name and name not in BY_COLLECTION:
            raise ValueError(f"no resource {name}; there are {', '.join(sorted(BY_COLLECTION))}")
        books = self.tenants[tenant_id].books
        shown = [BY_COLLECTION[name]] if name else [each for each in BY_NAME.values() if books.tables[each.name].rows]
        return self._pieces(books, shown)

    def _pieces(self, books: Books, shown: list[Resource]) -> Iterator[bytes]:
        yield b'{"tenantId":' + wire.encode(books.tenant_id)
        for resource in shown:
            yield b',"' + collection_of(resource).encode() + b'":['
            rows = [row.raw for row in books.tables[resource.name].rows.values()]
            for start in range(0, len(rows), 1000):
                yield (b"," if start else b"") + b",".join(rows[start : start + 1000])
            yield b"]"
        yield b"}"

    def edit_request(self, edit: dict[str, Any]) -> Request:
        """The request of somebody who works in Xero. Raises ValueError."""
        tenant_id = str(edit.get("tenantId") or self._first_id)
        if tenant_id not in self.tenants:
            raise ValueError(f"tenantId is {tenant_id!r}; there are {', '.join(self.tenants)}")
        return edits.request_of(edit, self.tenants[tenant_id].books)

    # -- snapshots and the file --------------------------------------------------------------------------------------

    def snapshot(self) -> Any:
        """Everything but the World and the rate counters."""
        return (
            {key: each.books.snapshot() for key, each in self.tenants.items()},
            self.identity.snapshot(),
            self.connections.snapshot(),
            self.replays.snapshot(),
            self.options.values(),
        )

    def restore(self, snapshot: Any) -> None:
        tenants, identity, connections, replays, switches = snapshot
        for gone in self.tenants.keys() - tenants.keys():
            del self.tenants[gone]
        for key, books in tenants.items():
            (self.tenants.get(key) or self._open(key)).books.take_snapshot(books)
        self.identity.restore(identity)
        self.connections.restore(connections)
        self.replays.restore(replays)
        self.options.turn(switches)
        self.limits.clear()

    def keep_identity(self) -> None:
        """Tokens or connections changed: a restart must know."""
        if self.world.journal is not None:
            self.world.journal.add("identity", self.identity.snapshot(), self.connections.snapshot())

    def keep_ids(self, tenant_id: str) -> None:
        """The counter of ids moved: a restart must not give the same ids again."""
        if self.world.journal is not None:
            self.world.journal.add("ids", tenant_id, self.tenants[tenant_id].books.ids.count)

    def keep_made(self, tenant_id: str, key: str) -> None:
        """An app created a record."""
        self.tenants[tenant_id].books.by_app.add(key)
        if self.world.journal is not None:
            self.world.journal.add("made", tenant_id, [key])

    def keep_sides(self, tenant_id: str, name: str, key: str) -> None:
        """An attachment or a line of history was added to a record."""
        if self.world.journal is not None:
            self.world.journal.add(*self._side(self.tenants[tenant_id].books, (name, key)))

    def _side(self, books: Books, at: tuple[str, str]) -> tuple[Any, ...]:
        attached = books.attachments.get(at, [])
        contents = {
            each["AttachmentID"]: base64.b64encode(books.contents[each["AttachmentID"]]).decode() for each in attached
        }
        return "side", books.tenant_id, *at, attached, contents, books.history.get(at, [])

    def entries(self) -> Iterator[tuple[Any, ...]]:
        """The journal entries that make the present state."""
        for key, tenant in self.tenants.items():
            yield "ids", key, tenant.books.ids.count
            yield "made", key, sorted(tenant.books.by_app)
            for name, table in tenant.books.tables.items():
                for record, row in table.rows.items():
                    yield "put", f"{key}/{name}", record, msgspec.Raw(row.raw)
            for at in {**tenant.books.attachments, **tenant.books.history}:
                yield self._side(tenant.books, at)
        yield from self.replays.entries()
        yield "identity", self.identity.snapshot(), self.connections.snapshot()

    def take(self, kind: str, *values: Any) -> None:
        """Take over one entry of a journal file."""
        if kind == "identity":
            self.identity.restore(values[0])
            self.connections.restore(values[1])
            return
        if kind == "replay":
            self.replays.take(*values)
            return
        tenant_id, _, name = str(values[0]).partition("/")
        books = (self.tenants.get(tenant_id) or self._open(tenant_id)).books
        if kind == "put":
            books.put(name, values[1], wire.encode(values[2]), bulk=True)
        elif kind == "del":
            books.tables[name].rows.pop(values[1], None)
            books.tables[name].take_rows(books.tables[name].rows)
        elif kind == "ids":
            books.ids.count = values[1]
        elif kind == "made":
            books.by_app.update(values[1])
        elif kind == "side":
            at = (values[1], values[2])
            books.attachments[at], books.history[at] = values[3], values[5]
            books.contents.update({each: base64.b64decode(text) for each, text in values[4].items()})
        else:
            raise ValueError(f"the file has an entry {kind!r}, which this simulator does not write")
