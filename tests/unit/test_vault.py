"""Sealed secrets, opaque tokens and where the key comes from."""

import base64
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaderflix_core.vault import Vault, VaultError, open_vault, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32


def test_what_is_sealed_opens_for_its_context_only() -> None:
    vault = Vault([NEW])
    sealed = vault.seal(b"hunter2", "instance:one")
    assert vault.open(sealed, "instance:one") == b"hunter2"
    with pytest.raises(VaultError, match="belongs to another entry"):
        vault.open(sealed, "instance:two")


def test_the_same_secret_is_never_sealed_the_same_way() -> None:
    vault = Vault([NEW])
    assert vault.seal(b"x", "c") != vault.seal(b"x", "c")


@given(st.binary(max_size=200), st.text(max_size=30), st.data())
def test_no_changed_byte_goes_unnoticed(secret: bytes, context: str, data: st.DataObject) -> None:
    vault = Vault([NEW])
    sealed = bytearray(vault.seal(secret, context))
    assert vault.open(bytes(sealed), context) == secret
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError):
        vault.open(bytes(sealed), context)


@pytest.mark.parametrize("length", [0, 1, 5, 16, 17, 20])
def test_a_truncated_secret_is_named_as_damaged(length: int) -> None:
    vault = Vault([NEW])
    with pytest.raises(VaultError, match="damaged"):
        vault.open(vault.seal(b"hunter2", "c")[:length], "c")


def test_after_a_change_of_keys_the_old_one_still_opens_and_the_new_one_seals() -> None:
    before = Vault([OLD])
    both, after = Vault([NEW, OLD]), Vault([NEW])
    assert both.open(before.seal(b"x", "c"), "c") == b"x"
    assert after.open(both.seal(b"x", "c"), "c") == b"x"
    assert both.reveal_opaque(before.opaque("ref", "image"), "image") == "ref"
    assert both.signed("reset", "leia", before.sign("reset", "leia"))


def test_a_lost_key_is_named_by_its_id() -> None:
    with pytest.raises(VaultError, match=r"sealed with another key \([0-9a-f]{8}\)"):
        Vault([NEW]).open(Vault([OLD]).seal(b"x", "c"), "c")


@given(st.text())
def test_opaque_tokens_hide_and_give_back_any_text_the_same_way_each_time(text: str) -> None:
    vault = Vault([NEW])
    token = vault.opaque(text, "image")
    assert token == vault.opaque(text, "image")
    assert vault.reveal_opaque(token, "image") == text
    assert vault.reveal_opaque(token, "stream") is None
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize("token", ["", "x", "A" * 40, "ä", "../../etc/passwd", "A" * 22 + "=="])
def test_a_token_that_is_not_ours_reveals_nothing(token: str) -> None:
    assert Vault([NEW]).reveal_opaque(token, "image") is None


def test_signatures_hold_for_their_purpose_and_text() -> None:
    vault = Vault([NEW])
    signature = vault.sign("invite", "leia")
    assert vault.signed("invite", "leia", signature)
    assert not vault.signed("invite", "luke", signature)
    assert not vault.signed("reset", "leia", signature)
    assert not vault.signed("invite", "leia", "ä")


def test_the_first_start_makes_a_key_that_only_we_can_read(tmp_path: Path) -> None:
    sealed = open_vault(data_dir=tmp_path / "data").seal(b"x", "c")
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert open_vault(data_dir=tmp_path / "data").open(sealed, "c") == b"x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    open_vault(data_dir=tmp_path)
    os.chmod(tmp_path / "secret.key", mode)
    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(data_dir=tmp_path)


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    sealed: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: sealed.append(open_vault(data_dir=tmp_path).seal(b"x", "c"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [open_vault(data_dir=tmp_path).open(one, "c") for one in sealed] == [b"x"] * 8


def test_the_key_may_be_given_and_nothing_is_written_then(tmp_path: Path) -> None:
    key = base64.b64encode(NEW).decode()
    path = tmp_path / "mine"
    path.write_text(f"{key}\n{base64.urlsafe_b64encode(OLD).decode()}\n")
    path.chmod(0o600)
    data = tmp_path / "data"
    sealed = open_vault(key=key, data_dir=data).seal(b"x", "c")
    assert open_vault(key_file=path, data_dir=data).open(sealed, "c") == b"x"
    assert not data.exists()


@pytest.mark.parametrize("text", ["short", "", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_bad_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(VaultError) as caught:
        parse_keys(text, "VADERFLIX_KEY")
    assert "VADERFLIX_KEY" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="gone cannot be read"):
        open_vault(key_file=tmp_path / "gone", data_dir=tmp_path)


def test_no_key_shows_in_a_repr() -> None:
    key = base64.b64encode(NEW).decode()
    assert key not in repr(Vault([NEW]))
    assert "nnnn" not in repr(Vault([NEW]))
