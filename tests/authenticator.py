"""Devices that hold passkeys: one in software, whose answers are wrong where a test says so, and a browser's own."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from vaderflix_core.access.passkeys import Site

SITE = Site("https://films.example.org")
PRESENT, VERIFIED, ATTESTED = 1, 4, 64
# the options of Chromium's WebAuthn.addVirtualAuthenticator: a phone or computer with a finger, face or PIN
BUILT_IN = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticator:
    """Holds one P-256 key, as a phone would."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0

    def _client(self, kind: str, options: dict[str, Any], origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": origin}).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        self.count += 1
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, client: bytes, **response: bytes) -> dict[str, Any]:
        parts = {"clientDataJSON": client, **response}
        shown = {name: text(value) for name, value in parts.items()}
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": shown}

    def create(self, options: str, *, origin: str = SITE.origin, flags: int = PRESENT | VERIFIED) -> dict[str, Any]:
        asked, numbers = json.loads(options), self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, **point})
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(asked["rp"]["id"], flags | ATTESTED) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(self._client("webauthn.create", asked, origin), attestationObject=attestation)

    def get(
        self, options: str, *, origin: str = SITE.origin, rp_id: str = SITE.host, flags: int = PRESENT | VERIFIED
    ) -> dict[str, Any]:
        client = self._client("webauthn.get", json.loads(options), origin)
        data = self._data(rp_id, flags)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(client, authenticatorData=data, signature=signature)
