"""Looking after the vault: knowing a wrong key at once, changing the key, taking in plain secrets, cleaning up.

Belongs here: the order of these. Keys are `master_keys.py`, seals `crypto.py`, statements `stores/vault.py`.

A rotation needs no pause. The new key is made known first; from then on it seals, and the old one still opens. What is
sealed is then brought under the new one, some at a time: whoever is interrupted runs it again. The old key is taken
away by a call of its own (`retire`), once nothing is sealed with it: from then on the database refuses what a process
that has slept through all of it would seal.
"""

from __future__ import annotations

import json
import os
import secrets as random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from resources.crypto import Owner, Sealed, Vaultkeeper
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.settings import ENCRYPTION_KEY_BYTES, KmsKey, Settings, write_keys
from resources.stores import master_keys
from resources.stores.database import Database

if TYPE_CHECKING:
    from resources.services import Services

DAYS_KEPT = 30
_CHECK = b"tieout"


@dataclass(frozen=True, slots=True)
class Rotation:
    """`made` says whether a new key was made for it; `key_id` seals now, `before` still open."""

    key_id: str
    before: tuple[str, ...]
    made: bool
    rewrapped: int


def check_keys(db: Database, keeper: Vaultkeeper, tenant: str) -> None:
    """Enter the key that seals; raises TieoutError if there is one in use that this process cannot open with.

    A database that `init` has yet to reach is left alone.
    """
    with db.transaction(tenant) as tx:
        if not master_keys.exist(tx):
            return
        known = master_keys.read_all(tx)
        if any(key_id not in keeper.key_ids for key_id in known):
            keeper.read_again()
        for key_id, check in known.items():
            if key_id not in keeper.key_ids or (
                check is not None and keeper.open(Sealed(key_id, check), _owner(key_id)) != _CHECK
            ):
                raise _wrong_key(key_id, keeper.key_ids)
        if known.get(keeper.key_id) is None:
            master_keys.show(tx, keeper.key_id, keeper.seal(_CHECK, _owner(keeper.key_id)).blob)


def sealed_by_key(services: Services) -> Counter[str]:
    """How much is sealed with each master key, over all tenants."""
    counted: Counter[str] = Counter()
    for tenant in services.tenants():
        counted.update(services.vault(tenant).counts())
    return counted


def rotate(services: Services, *, says: Callable[[str], None] = lambda _: None) -> Rotation:
    """Bring everything under the newest key, after making a new one where the keys are in the key file.

    Where the settings give the key, the new one is whatever they give first. A rotation that was interrupted is ended
    with the key it began with.
    """
    keeper = services.keeper
    is_underway = any(key_id != keeper.key_id for key_id in sealed_by_key(services))
    made = services.settings.encryption_key is None and not is_underway
    if made:
        _make_key(services.settings)
        keeper.read_again()
        check_keys(services.db, keeper, services.settings.tenant)
    elif not is_underway and len(keeper.key_ids) == 1:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="rotating the master key",
            found="one key in the settings, and everything sealed with it",
            expected="the new key in TIEOUT_ENCRYPTION_KEY and the present one in TIEOUT_FURTHER_ENCRYPTION_KEYS",
            next_step="see docs/vault.md for the order without a pause",
        )
    rewrapped = 0
    for tenant in services.tenants():
        vault = services.vault(tenant)
        while done := vault.rewrap():
            rewrapped += done
            says(f"{rewrapped} sealed anew")
    return Rotation(keeper.key_id, keeper.key_ids[1:], made, rewrapped)


def retire(services: Services) -> list[str]:
    """Take away every key but the newest; returns which. Raises TieoutError if anything is still sealed with one."""
    keeper = services.keeper
    with services.db.transaction(services.settings.tenant) as tx:
        old = [key_id for key_id in master_keys.read_all(tx) if key_id != keeper.key_id]
    if old and any(services.vault(tenant).is_refreshing() for tenant in services.tenants()):
        raise _in_use(old[0], "a token being refreshed, which may be sealed with it", "run this again in a minute")
    waiting = _keys_in_spool(services.spool)
    for key_id in old:
        try:
            if key_id in waiting:
                raise _in_use(key_id, f"tokens that wait in {services.spool}", "run `tieout sync`, then this again")
            with services.db.transaction(services.settings.tenant) as tx:
                master_keys.remove(tx, key_id)
        except psycopg.errors.ForeignKeyViolation:
            raise _in_use(key_id, "secrets sealed with it", "run `tieout vault rotate`, then this again") from None
    if services.settings.encryption_key is None:
        newest = services.settings.master_keys()[0]
        if isinstance(newest, bytes):
            write_keys(services.settings.home, [newest])
        keeper.read_again()
    return old


def take_in(services: Services, name: str, file: Path) -> list[str]:
    """Bring the plain secrets in `file` into the vault, read them back, then erase the file; returns their names.

    The file is one JSON object, or lines of KEY=value, in the ERP's own words. It stays as it is if anything in it is
    not a secret of this ERP, or does not come back as it went in.
    """
    connection = services.connection(name)
    allowed = {key.name for key in erp_of(connection.erp).setting_keys if key.is_secret}
    values = _plain_values(name, file)
    if unknown := sorted(set(values) - allowed):
        raise _not_taken(name, file, f"{', '.join(unknown)}", f"only {', '.join(sorted(allowed))}")
    if not values:
        raise _not_taken(name, file, "no value", f"one of {', '.join(sorted(allowed))}")
    vault = services.vault(connection.tenant)
    for key, value in values.items():
        vault.put(name, key, value)
    back = vault.all(name)
    if different := sorted(key for key, value in values.items() if back.get(key) != value):
        raise _not_taken(name, file, f"other values in the vault for {', '.join(different)}", "what the file says")
    _erase(file)
    return sorted(values)


def clean(services: Services, *, days_kept: int = DAYS_KEPT) -> dict[str, int]:
    """Erase secrets and tokens that can be of no use any more, over all tenants; returns how much of what."""
    counted: Counter[str] = Counter()
    for tenant in services.tenants():
        counted.update(services.vault(tenant).clean(days_kept=days_kept))
    return dict(counted)


def _make_key(settings: Settings) -> None:
    """Put a new key before those of the key file. It is safe on the disk before anything is sealed with it."""
    present = [
        key for key in settings.master_keys() if not isinstance(key, KmsKey) and key not in settings.further_keys
    ]
    write_keys(settings.home, [random.token_bytes(ENCRYPTION_KEY_BYTES), *present])


def _keys_in_spool(spool: Path) -> set[str]:
    found = set()
    for path in spool.glob("*.tokens") if spool.is_dir() else []:
        try:
            found.add(json.loads(path.read_text())["key_id"])
        except (ValueError, KeyError, FileNotFoundError):
            continue
    return found


def _plain_values(name: str, file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _not_taken(name, file, str(getattr(error, "strerror", None) or error), "a readable text") from None
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise _not_taken(name, file, "JSON that ends early or is broken", "one JSON object") from None
        pairs = found.items()
    else:
        lines = [line.strip().removeprefix("export ") for line in text.splitlines()]
        pairs = [line.partition("=")[::2] for line in lines if line and not line.startswith("#")]
    values = {str(key).strip().lower(): value for key, value in pairs}
    if wrong := sorted(key for key, value in values.items() if not isinstance(value, str) or not value.strip()):
        raise _not_taken(name, file, f"no text for {', '.join(wrong)}", "key and value")
    return {key: value.strip().strip("'\"") for key, value in values.items()}


def _erase(file: Path) -> None:
    """Overwrite and remove. What copies a file system or a backup has is not in our hands."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.write(b"\0" * size)
        opened.flush()
        os.fsync(opened.fileno())
    file.unlink()


def _owner(key_id: str) -> Owner:
    return Owner("", "", "master key", key_id)


def _wrong_key(found: str, known: tuple[str, ...]) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing="opening the vault",
        found=f"secrets that master key {found} opens",
        expected=f"only such as {', '.join(known)} opens, which is what this process was given",
        next_step="set TIEOUT_ENCRYPTION_KEY to the key that this database was set up with, or name the key of before "
        "in TIEOUT_FURTHER_ENCRYPTION_KEYS",
    )


def _in_use(key_id: str, found: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.CONFLICT,
        doing=f"retiring master key {key_id}",
        found=found,
        expected="nothing that only this key opens",
        next_step=next_step,
    )


def _not_taken(name: str, file: Path, found: str, expected: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=name,
        doing=f"taking in {file}",
        found=found,
        expected=expected,
        next_step="correct the file; it was left as it is",
    )
