"""Sign-in at any OpenID Connect provider: discovery, code flow with PKCE, and the checks of what comes back.

We speak to the issuer that an admin entered and to the addresses that its own description names, to nobody else. Only
asymmetric signatures count, by keys of that description; nothing in a token chooses how it is checked.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from msgspec import Struct

from ..api.errors import AuthFailed, BadAnswer, Cause, Rejected, ServiceError, Unavailable, WrongService
from ..api.http import ServiceClient
from ..api.people import Person
from ..api.settings import Secret

if TYPE_CHECKING:
    import jwt

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SKEW = 60  # seconds that two clocks may differ
DESCRIPTION_LIVES = 3600.0
KEYS_LIVE = 3600.0
KEYS_AGAIN = 30.0  # seconds before unknown keys are asked for again
TIMEOUT = 10.0  # seconds of silence
LONGEST = 20.0  # seconds of a whole answer: somebody waits for it, and one that trickles in is never silent
LONGEST_SUBJECT = 255


class Provider(Struct, frozen=True, kw_only=True):
    """A provider as an admin set it up. `role` goes to new people whose `role_claim` holds `role_value`."""

    id: str
    name: str
    issuer: str
    client_id: str
    client_secret: Secret | None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    role_claim: str = ""
    role_value: str = ""
    role: str = ""
    enabled: bool = True


class Description(Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Attempt(Struct, frozen=True, kw_only=True):
    """What we remember of a sign-in until the browser is back."""

    nonce: str
    verifier: str
    redirect_uri: str


class Proven(Struct, frozen=True, kw_only=True):
    """Who came back. `email` is set only when the provider has verified it; `role` by the provider's rule."""

    person: Person
    role: str = ""


class _Tokens(Struct, frozen=True):
    id_token: str
    access_token: str = ""


class _Keys(Struct, frozen=True):
    keys: tuple[dict[str, Any], ...]


def explain(response: httpx.Response) -> str | None:
    """The provider's own words of an error (RFC 6749)."""
    try:
        said = response.json()
        return _printable(str(said.get("error_description") or said.get("error") or ""))[:200] or None
    except (ValueError, AttributeError):
        return None


class Oidc:
    """The protocol. One for all providers; it remembers their descriptions and keys for a while."""

    def __init__(self) -> None:
        self._clients: dict[str, ServiceClient] = {}
        self._descriptions: dict[str, tuple[float, Description]] = {}
        self._keys: dict[str, tuple[float, tuple[dict[str, Any], ...]]] = {}

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    # -- what the provider says of itself ------------------------------------------------------------------------

    async def describe(self, issuer: str, *, fresh: bool = False) -> Description:
        """The description of an issuer. Raises `ServiceError` in words that tell an admin what to mend."""
        known = self._descriptions.get(issuer)
        if known is not None and not fresh and time.monotonic() - known[0] < DESCRIPTION_LIVES:
            return known[1]
        base = issuer.rstrip("/")
        found: Description = await self._get(f"{base}/.well-known/openid-configuration", Description)
        if found.issuer.rstrip("/") != base:
            raise WrongService(f"{base} calls itself {found.issuer}. Enter that address if it is right.")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
            if address is not None:
                _check_address(address, base)
        self._descriptions[issuer] = (time.monotonic(), found)
        return found

    async def test(self, issuer: str) -> Description:
        """Reach a provider with its description and keys, to try what an admin entered."""
        found = await self.describe(issuer, fresh=True)
        if not _usable(await self._keys_of(found, fresh=True)):
            raise BadAnswer(f"{issuer} publishes no key that signatures can be checked with.")
        return found

    # -- the flow ------------------------------------------------------------------------------------------------

    async def begin(self, provider: Provider, redirect_uri: str, state: str) -> tuple[str, Attempt]:
        """Where the browser goes, and what to remember until it is back."""
        description = await self.describe(provider.issuer)
        attempt = Attempt(
            nonce=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48), redirect_uri=redirect_uri
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *provider.scopes))),
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = description.authorization_endpoint
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", attempt

    async def finish(self, provider: Provider, attempt: Attempt, code: str, iss: str | None) -> Proven:
        """Who a code stands for. Raises `Rejected` for an answer that was not meant for this attempt."""
        description = await self.describe(provider.issuer)
        if iss is None and description.authorization_response_iss_parameter_supported:
            raise Rejected("The answer does not say which provider it comes from.")
        if iss is not None and iss != description.issuer:
            raise Rejected("The answer comes from another provider.")
        tokens = await self._exchange(provider, description, attempt, code)
        claims = await self._claims(provider, description, tokens.id_token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
            raise Rejected("The provider's token belongs to another sign-in.")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
            raise BadAnswer("The provider does not say who signed in.")
        more = await self._userinfo(provider, description, tokens.access_token, claims)
        return _proven(provider, subject, {**more, **claims})

    async def _exchange(self, provider: Provider, description: Description, attempt: Attempt, code: str) -> _Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        auth: tuple[str, str] | None = None
        secret = provider.client_secret
        if secret is not None and "client_secret_basic" in description.token_endpoint_auth_methods_supported:
            auth = (quote(provider.client_id, safe=""), quote(secret.reveal(), safe=""))
        else:
            form["client_id"] = provider.client_id
            if secret is not None:
                form["client_secret"] = secret.reveal()
        client, path = self._client(description.token_endpoint)
        async with _in_time(description.token_endpoint):
            return await client.send("POST", path, _Tokens, data=form, auth=auth)

    async def _claims(self, provider: Provider, description: Description, token: str) -> dict[str, Any]:
        import jwt  # see sessions.py

        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(description, header)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                [header["alg"]],
                audience=provider.client_id,
                issuer=description.issuer,
                leeway=SKEW,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise Rejected(f"The provider's token is not good: {error}") from error
        party = claims.get("azp")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (party is not None and party != provider.client_id) or (several and party is None):
            raise Rejected("The provider's token is for another application.")
        return claims

    async def _key(self, description: Description, header: dict[str, Any]) -> jwt.PyJWK:
        """The provider's key for a token. A key that is not known yet is asked for: providers rotate them."""
        import jwt

        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise Rejected(f"The provider's token is signed by {algorithm}, which proves nothing to us.")
        for fresh in (False, True):
            fitting = [
                key
                for key in _usable(await self._keys_of(description, fresh=fresh))
                if header.get("kid") in (None, key.get("kid")) and key.get("alg", algorithm) == algorithm
            ]
            if len(fitting) == 1:
                return jwt.PyJWK(fitting[0], algorithm)
        raise Rejected("The provider's token is signed by a key that the provider does not publish.")

    async def _keys_of(self, description: Description, *, fresh: bool) -> tuple[dict[str, Any], ...]:
        at, keys = self._keys.get(description.jwks_uri, (float("-inf"), ()))
        age = time.monotonic() - at
        if age > KEYS_LIVE or (fresh and age > KEYS_AGAIN):
            keys = (await self._get(description.jwks_uri, _Keys)).keys
            self._keys[description.jwks_uri] = (time.monotonic(), keys)
        return keys

    async def _userinfo(
        self, provider: Provider, description: Description, access_token: str, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """What the token leaves out. It is only for showing and for the rule, so nobody is kept out without it."""
        wanted = {"name", "email"} | ({provider.role_claim.split(".")[0]} - {""})
        if description.userinfo_endpoint is None or not access_token or wanted <= set(claims):
            return {}
        try:
            client, path = self._client(description.userinfo_endpoint)
            headers = {"Authorization": f"Bearer {access_token}"}
            async with _in_time(description.userinfo_endpoint):
                found = await client.get(path, dict[str, Any], headers=headers)
        except ServiceError:
            return {}
        return found if found.get("sub") == claims["sub"] else {}

    # -- calls ---------------------------------------------------------------------------------------------------

    def _client(self, address: str) -> tuple[ServiceClient, str]:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._clients:
            self._clients[origin] = ServiceClient(
                origin, headers={"Accept": "application/json"}, timeout=TIMEOUT, explain=explain
            )
        return self._clients[origin], parts.path + (f"?{parts.query}" if parts.query else "")

    async def _get(self, address: str, kind: type[Any]) -> Any:
        client, path = self._client(address)
        try:
            async with _in_time(address):
                return await client.get(path, kind)
        except AuthFailed as error:
            raise WrongService(f"{address} asks for a sign-in. Check the address.") from error


@asynccontextmanager
async def _in_time(address: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except TimeoutError as error:
        raise Unavailable(f"{address} did not answer in time.", cause=Cause.TIMEOUT) from error


def _printable(text: str) -> str:
    """Without what no database and no page can take: half a letter, a NUL, a line end."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _check_address(address: str, issuer: str) -> None:
    try:
        parts, of = urlsplit(address), urlsplit(issuer)
        _ = parts.port
    except ValueError as error:
        raise WrongService(f"{issuer} names an address that is none ({error}).") from error
    plain_too = of.scheme == "http" and parts.scheme == "http"
    if (parts.scheme != "https" and not plain_too) or not parts.hostname or parts.username or parts.fragment:
        raise WrongService(f"{issuer} names an address that we do not go to: {parts.scheme}://{parts.hostname}")


def _usable(keys: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [key for key in keys if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"]


def _proven(provider: Provider, subject: str, claims: dict[str, Any]) -> Proven:
    def text(name: str) -> str:
        value = claims.get(name)
        return value.strip()[:120] if isinstance(value, str) else ""

    name = text("name") or text("preferred_username") or text("nickname") or text("email") or subject[:60]
    email = _printable(text("email")) if claims.get("email_verified") is True else ""
    holds: Any = claims
    for part in provider.role_claim.split(".") if provider.role_claim else ():
        holds = holds.get(part) if isinstance(holds, dict) else None
    held = provider.role_claim and provider.role_value in (holds if isinstance(holds, list) else [holds])
    return Proven(
        person=Person(subject=subject, name=_printable(name), email=email or None), role=provider.role if held else ""
    )
