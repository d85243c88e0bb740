"""Seals: bound to their owner, opened only by the right master key, never readable otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.crypto import LocalMasterKey, Owner, Sealed, Vaultkeeper
from resources.errors import TieoutError

OWNER = Owner("acme", "qbo_us", "client_secret", "1")
OLD, NEW = LocalMasterKey(bytes(range(32))), LocalMasterKey(bytes(range(1, 33)))
KEEPER = Vaultkeeper([OLD])


@given(st.binary(max_size=500))
def test_a_secret_is_read_back_and_cannot_be_seen_in_its_seal(secret):
    sealed = KEEPER.seal(secret, OWNER)

    assert KEEPER.open(sealed, OWNER) == secret
    assert len(secret) < 4 or secret not in sealed.blob


def test_two_seals_of_one_secret_have_nothing_in_common():
    first, second = KEEPER.seal(b"same", OWNER).blob, KEEPER.seal(b"same", OWNER).blob

    assert first[1:] != second[1:]
    assert first[-20:] != second[-20:]


@pytest.mark.parametrize("moved", [{"tenant": "other"}, {"connection": "qbo_in"}, {"name": "x"}, {"version": "2"}])
def test_a_seal_moved_to_another_owner_does_not_open(moved):
    sealed = KEEPER.seal(b"secret", OWNER)

    with pytest.raises(TieoutError, match="altered, or moved"):
        KEEPER.open(sealed, replace(OWNER, **moved))


def test_owners_are_told_apart_by_the_length_of_their_parts():
    assert Owner("a", "bc", "d", "1").as_bytes() != Owner("ab", "c", "d", "1").as_bytes()


@given(st.integers(0, 120), st.integers(1, 255))
def test_any_altered_byte_is_noticed(position, change):
    sealed = KEEPER.seal(b"x" * 16, OWNER)
    blob = bytearray(sealed.blob)
    blob[position % len(blob)] ^= change

    with pytest.raises(TieoutError):
        KEEPER.open(Sealed(sealed.key_id, bytes(blob)), OWNER)


@pytest.mark.parametrize("length", range(0, 90, 7))
def test_a_seal_cut_short_is_noticed(length):
    sealed = KEEPER.seal(b"", OWNER)

    with pytest.raises(TieoutError):
        KEEPER.open(Sealed(sealed.key_id, sealed.blob[: min(length, len(sealed.blob) - 1)]), OWNER)


def test_another_master_key_is_named_and_not_tried():
    sealed = KEEPER.seal(b"secret", OWNER)

    with pytest.raises(TieoutError, match=f"sealed with master key {OLD.key_id}.*TIEOUT_ENCRYPTION_KEY"):
        Vaultkeeper([NEW]).open(sealed, OWNER)


def test_a_rotation_keeps_secrets_readable_before_during_and_after():
    sealed = KEEPER.seal(b"secret", OWNER)
    rotating = Vaultkeeper([NEW, OLD])

    assert rotating.open(sealed, OWNER) == b"secret"
    rewrapped = rotating.rewrap(sealed, OWNER)
    assert Vaultkeeper([NEW]).open(rewrapped, OWNER) == b"secret"
    with pytest.raises(TieoutError):
        KEEPER.open(rewrapped, OWNER)


def test_a_key_of_the_wrong_size_is_refused():
    with pytest.raises(TieoutError, match="a key of 16 bytes, expected 32 bytes"):
        LocalMasterKey(b"x" * 16)
