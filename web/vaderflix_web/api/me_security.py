"""How one signs in: the second step, passkeys, one's password and second factor, and help when they are lost."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from vaderflix_core.failures import NotAllowed
from vaderflix_core.store.passkeys import Passkey

from ..auth import host_of, session_id_of
from ..guards import IN_PERSON
from ..page import Req
from ..proof import PASSKEY_COOKIE, challenge, challenge_cookie, proving, site_of
from .session import TokensOut, entered
from .shapes import Input

OPEN = {"permission": "public"}
OPEN_LINK = {"permission": "public", "limit": "links"}
MINE = {"permission": IN_PERSON}
MANAGE = {"permission": "users.manage"}

Secret = Annotated[str, Meta(max_length=1024)]
Token = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(max_length=60)]


class SecondStep(Input, frozen=True, kw_only=True):
    """What the first step gave, and a code of the app or a recovery code."""

    second_factor: Token
    code: Code


class PasskeyAnswer(Input, frozen=True, kw_only=True):
    """The browser's answer: a `PublicKeyCredential` as JSON, its bytes in base64url."""

    credential: dict[str, Any]


class NewPasskey(Input, frozen=True, kw_only=True):
    """The browser's answer for a new passkey, and a name for it."""

    credential: dict[str, Any]
    name: Name


class NewName(Input, frozen=True, kw_only=True):
    """Another name."""

    name: Name


class Proof(Input, frozen=True, kw_only=True):
    """The account's password; empty for an account without one."""

    password: Secret = ""


class ProofWithCode(Input, frozen=True, kw_only=True):
    """The account's password and a code."""

    password: Secret
    code: Code


class PasswordRemoval(Input, frozen=True, kw_only=True):
    """The account's password, and a code where there is a second factor."""

    password: Secret
    code: Code = ""


class OneCode(Input, frozen=True, kw_only=True):
    """A code of the app."""

    code: Code


class PasswordChange(Input, frozen=True, kw_only=True):
    """The password one has (empty without one), and the new one."""

    old: Secret = ""
    new: Secret


class Forgotten(Input, frozen=True, kw_only=True):
    """An email address or a user name."""

    name: Annotated[str, Meta(max_length=254)]


class Reset(Input, frozen=True, kw_only=True):
    """The token of a link, and the new password."""

    token: Token
    password: Secret


class PasskeyOut(Struct, frozen=True, kw_only=True):
    """A passkey as it is listed."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: Passkey) -> PasskeyOut:
        """From the domain's."""
        return cls(id=key.id, name=key.name, created_at=key.created_at, last_used_at=key.last_used_at)


class SecurityOut(Struct, frozen=True, kw_only=True):
    """The ways into one's account."""

    has_password: bool
    second_factor: bool
    recovery_codes_left: int
    passkeys: list[PasskeyOut]


class OfferOut(Struct, frozen=True, kw_only=True):
    """A secret to be confirmed with a code of it; `uri` is what a QR code holds."""

    secret: str
    uri: str


class CodesOut(Struct, frozen=True, kw_only=True):
    """Recovery codes, shown this once."""

    recovery_codes: list[str]


class LinkOut(Struct, frozen=True, kw_only=True):
    """A page of this house where its reader sets a new password; it works once, for an hour."""

    path: str


# -- signing in ------------------------------------------------------------------------------------------------------


@post("/session/second", opt=OPEN, status_code=200)
async def second_step(request: Req, data: JSONBody[SecondStep]) -> Response[TokensOut]:
    """Finish signing in with a code. A code works once; five wrong ones end the attempt."""
    proof = await host_of(request).second_factor.finish(data.second_factor, data.code)
    return await entered(request, proof, "password")


@post("/session/passkey/options", opt=OPEN, status_code=200)
async def passkey_options(request: Req) -> Response[dict[str, Any]]:
    """A challenge for `navigator.credentials.get`, good in this browser once."""
    begun = host_of(request).passkeys.begin_signing_in(site_of(request))
    return challenge(request, begun)


@post("/session/passkey", opt=OPEN, status_code=200)
async def passkey_sign_in(request: Req, data: JSONBody[PasskeyAnswer]) -> Response[TokensOut]:
    """Sign in with a passkey."""
    state = request.cookies.get(PASSKEY_COOKIE, "")
    user = await host_of(request).passkeys.sign_in(state, data.credential)
    answer = await entered(request, user, "passkey")
    answer.set_cookie(challenge_cookie(request, ""))
    return answer


@post("/session/forgot", opt=OPEN_LINK, status_code=202)
async def forgot(request: Req, data: JSONBody[Forgotten]) -> dict[str, bool]:
    """Mail a link for a new password, if there is somebody to mail it to. The answer does not tell."""
    await host_of(request).passwords.forgot(data.name)
    return {"accepted": True}


@post("/session/reset", opt=OPEN_LINK, status_code=204)
async def reset(request: Req, data: JSONBody[Reset]) -> None:
    """Set a new password with a link's token; ends all sessions of the account."""
    await host_of(request).passwords.reset(data.token, data.password)


# -- one's own -------------------------------------------------------------------------------------------------------


@get("/me/security", opt=MINE)
async def security(request: Req) -> SecurityOut:
    """The ways into one's account."""
    host, user = host_of(request), request.user
    factor = await host.second_factor.state(user.id)
    return SecurityOut(
        has_password=await host.passwords.has_password(user.id),
        second_factor=factor.on,
        recovery_codes_left=factor.codes_left,
        passkeys=[PasskeyOut.of(key) for key in await host.passkeys.of_user(user)],
    )


@put("/me/password", opt=MINE, status_code=204)
async def change_password(request: Req, data: JSONBody[PasswordChange]) -> None:
    """Change one's password; ends all other sessions."""
    async with proving(request, request.user.username):
        await host_of(request).passwords.change(request.user, data.old, data.new, session_id_of(request))


@post("/me/password/remove", opt=MINE, status_code=204)
async def remove_password(request: Req, data: JSONBody[PasswordRemoval]) -> None:
    """Do without a password, with a passkey or a linked account; the second factor goes too.

    Ends all other sessions.
    """
    async with proving(request, request.user.username):
        await host_of(request).passwordless.remove(request.user, data.password, data.code, session_id_of(request))


@post("/me/second-factor", opt=MINE, status_code=200)
async def begin_second(request: Req, data: JSONBody[Proof]) -> OfferOut:
    """Offer a secret for codes; it counts once it is confirmed."""
    async with proving(request, request.user.username):
        offer = await host_of(request).second_factor.begin(request.user, data.password)
    return OfferOut(secret=offer.secret, uri=offer.uri)


@post("/me/second-factor/confirm", opt=MINE, status_code=200)
async def confirm_second(request: Req, data: JSONBody[OneCode]) -> CodesOut:
    """Turn the offered second factor on."""
    return CodesOut(recovery_codes=await host_of(request).second_factor.confirm(request.user, data.code))


@post("/me/second-factor/codes", opt=MINE, status_code=200)
async def renew_codes(request: Req, data: JSONBody[ProofWithCode]) -> CodesOut:
    """New recovery codes; the old ones stop working."""
    async with proving(request, request.user.username):
        codes = await host_of(request).second_factor.renew_codes(request.user, data.password, data.code)
    return CodesOut(recovery_codes=codes)


@post("/me/second-factor/off", opt=MINE, status_code=204)
async def second_off(request: Req, data: JSONBody[ProofWithCode]) -> None:
    """Turn the second factor off."""
    async with proving(request, request.user.username):
        await host_of(request).second_factor.off(request.user, data.password, data.code)


@post("/me/passkeys/options", opt=MINE, status_code=200)
async def new_passkey_options(request: Req, data: JSONBody[Proof]) -> Response[dict[str, Any]]:
    """Options for `navigator.credentials.create`, good in this browser once."""
    host = host_of(request)
    async with proving(request, request.user.username):
        await host.passwords.prove(request.user, data.password, session_id_of(request))
    begun = await host.passkeys.begin_adding(request.user, site_of(request))
    return challenge(request, begun)


@post("/me/passkeys", opt=MINE)
async def add_passkey(request: Req, data: JSONBody[NewPasskey]) -> Response[PasskeyOut]:
    """Keep a new passkey."""
    state = request.cookies.get(PASSKEY_COOKIE, "")
    key = await host_of(request).passkeys.add(request.user, state, data.credential, data.name)
    return Response(PasskeyOut.of(key), cookies=[challenge_cookie(request, "")])


@patch("/me/passkeys/{key_id:int}", opt=MINE, status_code=204)
async def rename_passkey(request: Req, key_id: FromPath[int], data: JSONBody[NewName]) -> None:
    """Give a passkey another name."""
    await host_of(request).passkeys.rename(request.user, key_id, data.name)


@delete("/me/passkeys/{key_id:int}", opt=MINE, status_code=204)
async def remove_passkey(request: Req, key_id: FromPath[int]) -> None:
    """Remove a passkey, unless it is the only way into the account."""
    await host_of(request).passkeys.remove(request.user, key_id)


# -- helping others --------------------------------------------------------------------------------------------------


@post("/people/{user_id:int}/password-link", opt=MANAGE, status_code=200)
async def password_link(request: Req, user_id: FromPath[int]) -> LinkOut:
    """A link for a new password, to be handed over in person."""
    _in_person(request)
    return LinkOut(path=f"/reset/{await host_of(request).passwords.link_for(request.user, user_id)}")


@post("/people/{user_id:int}/second-factor/reset", opt=MANAGE, status_code=204)
async def reset_second(request: Req, user_id: FromPath[int]) -> None:
    """Take the second factor from somebody who has lost it; signs them out."""
    _in_person(request)
    await host_of(request).second_factor.reset(request.user, user_id)


def _in_person(request: Req) -> None:
    if session_id_of(request) is None:
        raise NotAllowed("This needs a person who is signed in, not a key.", code="person_needed")


HANDLERS = [
    second_step,
    passkey_options,
    passkey_sign_in,
    forgot,
    reset,
    security,
    change_password,
    remove_password,
    begin_second,
    confirm_second,
    renew_codes,
    second_off,
    new_passkey_options,
    add_passkey,
    rename_passkey,
    remove_passkey,
    password_link,
    reset_second,
]
