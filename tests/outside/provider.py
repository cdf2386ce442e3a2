"""An OpenID provider that a test can make lie in any way: every claim, header and key is its to choose."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def _jwk(key: Any, kid: str) -> dict[str, Any]:
    kind = jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig"}


class Liar:
    """The provider. `claims`, `header` and the switches change what it says; `calls` are the paths it was asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.keys = {"one": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
        self.signing = "one"
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.drop: tuple[str, ...] = ()
        self.description: dict[str, Any] = {}
        self.published: list[dict[str, Any]] | None = None
        self.userinfo: dict[str, Any] | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.calls: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.secret: str | None = None
        self.raw: dict[str, bytes] = {}  # bodies that stand for the answers at these paths
        self.trickles: str | None = None  # the path that never comes to an end and is never silent

    def allow(self, url: str, code: str = "code-1") -> dict[str, str]:
        """The person agrees at the address that their browser was sent to; gives what it brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "sub": "person-1", "aud": asked["client_id"], "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "name": "Pat Proven", **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if name not in self.drop}
        key = None if self.algorithm == "none" else self.keys.get(self.signing, self.signing)
        return jwt.encode(claims, key, self.algorithm, headers={"kid": self.signing} if key else {})

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                **({"userinfo_endpoint": f"{self.url}/me"} if self.userinfo is not None else {}),
                **self.description,
            }
        if path == "/keys":
            keys = [_jwk(key, kid) for kid, key in self.keys.items()]
            return 200, {"keys": keys if self.published is None else self.published}
        if path == "/me":
            return 200, self.userinfo
        if path == "/token":
            return self._exchange(form, authorization)
        return 404, {}

    def _exchange(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        self.forms.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        if self.secret is not None:
            given = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")[2]
            if given != self.secret:
                return 401, {"error": "invalid_client"}
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self.token(asked)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.calls.append(scope["path"])
        body = (await receive()).get("body", b"").decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, value = self.answer(scope["path"], form, headers.get("authorization", ""))
        kind = [(b"content-type", b"application/json")]
        if scope["path"] == self.trickles:
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            while True:
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": self.raw.get(scope["path"], json.dumps(value).encode())})
