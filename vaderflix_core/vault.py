"""Secrets at rest, and tokens that only this installation can read: one key, kept outside the database.

The key is 32 random bytes in base64. It comes from VADERFLIX_KEY, from the file that VADERFLIX_KEY_FILE names, or from
`secret.key` in the data folder, which is made on the first start. Several keys, separated by commas or line breaks, let
an old one be replaced: the first seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

KEY_BYTES = 32
VERSION = 1
_NONCE = 12
_HEADER = 1 + 4  # version byte, key id
_SOME = b"\1"  # AES-SIV refuses to encrypt nothing


class VaultError(Exception):
    """A key cannot be used, or sealed text cannot be opened. The text says what to do and holds no secret."""


class _Key:
    """One master key and what is derived from it. The cipher library is loaded on first use: 9 MB, 0.1 s."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self.id = self.derive("id")[:4]

    def derive(self, purpose: str, size: int = 32) -> bytes:
        """A key for one purpose (HKDF-Expand of RFC 5869 with SHA-256; the master is uniform already)."""
        out, block, counter = b"", b"", 1
        while len(out) < size:
            block = hmac.digest(self._master, block + b"vaderflix:" + purpose.encode() + bytes([counter]), "sha256")
            out += block
            counter += 1
        return out[:size]

    @cached_property
    def gcm(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.derive("seal"))

    @cached_property
    def siv(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return AESSIV(self.derive("opaque", 64))


class Vault:
    """Seals, signs and makes opaque with the first of its keys; opens what any of them made."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"A key must be {KEY_BYTES} bytes in base64.")
        self._keys = [_Key(key) for key in keys]

    def __repr__(self) -> str:
        return f"Vault({', '.join(key.id.hex() for key in self._keys)})"

    def seal(self, text: bytes, context: str) -> bytes:
        """Encrypt. `context`, such as "instance:home:password", is needed to open again: rows cannot be swapped."""
        key = self._keys[0]
        header = bytes([VERSION]) + key.id
        nonce = secrets.token_bytes(_NONCE)
        sealed: bytes = key.gcm.encrypt(nonce, text, header + context.encode())
        return header + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises `VaultError` when it was made for another context, by another key, or was changed."""
        from cryptography.exceptions import InvalidTag

        header, nonce, body = sealed[:_HEADER], sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :]
        if len(header) < _HEADER or header[0] != VERSION or len(nonce) < _NONCE:
            raise VaultError("A stored secret is damaged.")
        key = next((key for key in self._keys if key.id == header[1:]), None)
        if key is None:
            raise VaultError(
                f"A stored secret was sealed with another key ({header[1:].hex()}). "
                "Restore that key, or enter the secret again."
            )
        try:
            text: bytes = key.gcm.decrypt(nonce, body, header + context.encode())
        except InvalidTag:
            raise VaultError("A stored secret is damaged, or belongs to another entry.") from None
        return text

    def opaque(self, text: str, purpose: str) -> str:
        """A URL-safe token that hides `text`; the same text gives the same token, so that caches work (AES-SIV)."""
        token: bytes = self._keys[0].siv.encrypt(_SOME + text.encode(), [purpose.encode()])
        return _encode(token)

    def reveal_opaque(self, token: str, purpose: str) -> str | None:
        """The text behind a token; None when we did not make it for this purpose."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = _decode(token)
        except ValueError:
            return None
        for key in self._keys:
            try:
                text: bytes = key.siv.decrypt(raw, [purpose.encode()])
            except (InvalidTag, ValueError):
                continue
            return text.removeprefix(_SOME).decode()
        return None

    def sign(self, purpose: str, text: str) -> str:
        """A URL-safe signature of `text` for one purpose."""
        return _signature(self._keys[0], purpose, text)

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether `signature` is ours, for this purpose and text."""
        given = signature.encode()
        return any(hmac.compare_digest(_signature(key, purpose, text).encode(), given) for key in self._keys)


def _signature(key: _Key, purpose: str, text: str) -> str:
    return _encode(hmac.digest(key.derive(f"sign:{purpose}"), text.encode(), hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(token: str) -> bytes:
    return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)


def parse_keys(text: str, source: str) -> list[bytes]:
    """The keys written in `text`. Raises `VaultError` naming `source`."""
    keys = []
    for word in text.replace(",", "\n").split():
        try:
            key = base64.b64decode(word.translate(str.maketrans("-_", "+/")) + "=" * (-len(word) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise VaultError(
                f"{source}: a key must be {KEY_BYTES} bytes in base64. Make one with: openssl rand -base64 32"
            )
        keys.append(key)
    if not keys:
        raise VaultError(f"{source} is empty.")
    return keys


def open_vault(*, key: str | None = None, key_file: Path | None = None, data_dir: Path) -> Vault:
    """The installation's vault: from `key`, else `key_file`, else `secret.key` in the data folder, made if missing.

    Raises `VaultError` for a bad key, and for a key file that others can read.
    """
    if key:
        return Vault(parse_keys(key, "VADERFLIX_KEY"))
    if key_file is not None:
        return Vault(_read(key_file))
    path = data_dir / "secret.key"
    if not path.exists():
        _create(path)
    return Vault(_read(path))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of ours was faster
        return
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> list[bytes]:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise VaultError(f"Others can read {path}. Run: chmod 600 {path}")
        text = path.read_text()
        deadline = time.monotonic() + 2.0
        while not text.endswith("\n") and len(text) < KEY_BYTES and time.monotonic() < deadline:
            time.sleep(0.01)  # another process has made the file and is about to write it
            text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise VaultError(f"The key file {path} cannot be read: {error}") from error
    return parse_keys(text, str(path))
