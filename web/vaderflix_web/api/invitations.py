"""Invitations, for those who may invite; and opening one, for the visitor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct, field

from vaderflix_core.access.agents import agent_of
from vaderflix_core.access.invites import MAX_DAYS, MAX_NOTE, MAX_USES, Listed
from vaderflix_core.access.passkeys import NAME_LENGTH
from vaderflix_core.store.invites import Invite, InviteUse

from ..auth import host_of
from ..i18n import _
from ..page import Req, said_cookie
from ..pages.admin.invitations import link_to
from ..proof import PASSKEY_COOKIE, challenge, challenge_cookie, site_of
from .session import TokensOut, entered
from .shapes import Input

INVITE = {"permission": "users.invite"}
VISITOR = {"permission": "public", "limit": "links"}
Libraries = dict[Annotated[str, Meta(max_length=64)], list[Annotated[str, Meta(max_length=120)]]]


class NewInvitation(Input, frozen=True, kw_only=True):
    """An invitation to make. With an `email`, only that address can use it, once; `send` mails it there."""

    role: Annotated[str, Meta(max_length=32)]
    uses: Annotated[int, Meta(ge=1, le=MAX_USES)] = 1
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = 7
    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    email: Annotated[str, Meta(max_length=254)] | None = None
    libraries: Libraries = field(default_factory=dict)
    send: bool = False


class Coming(Input, frozen=True, kw_only=True):
    """The account that a visitor wants."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=1024)]
    display_name: Annotated[str, Meta(max_length=120)] = ""
    email: Annotated[str, Meta(max_length=254)] | None = None


class ComingByPasskey(Input, frozen=True, kw_only=True):
    """The account that a visitor wants, to be opened by a passkey."""

    username: Annotated[str, Meta(max_length=64)]
    display_name: Annotated[str, Meta(max_length=120)] = ""
    email: Annotated[str, Meta(max_length=254)] | None = None


class FirstPasskey(Input, frozen=True, kw_only=True):
    """The browser's answer: a `PublicKeyCredential` as JSON, its bytes in base64url; and a name for the key.

    Without a name it is called as the browser calls itself.
    """

    credential: dict[str, Any]
    name: Annotated[str, Meta(max_length=NAME_LENGTH)] = ""


class InvitationOut(Struct, frozen=True, kw_only=True):
    """An invitation as it is listed; `state` is open, used, expired, revoked or lapsed. Its link was shown once.

    One whose maker may no longer give what it gives has lapsed: a new link makes it the one's who asks for it.
    """

    id: int
    state: str
    inviter: str
    role: str
    note: str
    email: str | None
    libraries: dict[str, list[str]]
    uses: int
    used: int
    used_by: list[InviteUse]
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, listed: Listed, now: datetime) -> InvitationOut:
        """From the domain's."""
        invite, uses = listed.invite, listed.uses
        return cls(
            id=invite.id,
            state=listed.state(now),
            inviter=invite.inviter,
            role=invite.role,
            note=invite.note,
            email=invite.email,
            libraries={name: list(ids) for name, ids in invite.libraries.items()},
            uses=invite.uses,
            used=invite.used,
            used_by=uses,
            created_at=invite.created_at,
            expires_at=invite.expires_at,
        )


class InvitationMade(Struct, frozen=True, kw_only=True):
    """A new link, shown this once."""

    code: str
    link: str
    invitation: InvitationOut


class Opened(Struct, frozen=True, kw_only=True):
    """What a visitor reads: who invites them to what, until when."""

    house: str
    inviter: str
    role: str
    note: str
    for_one_address: bool
    expires_at: datetime


class CameIn(Struct, frozen=True, kw_only=True):
    """The account that was made; sign in with it."""

    id: int
    username: str
    role: str


def _made(request: Req, code: str, invite: Invite) -> InvitationMade:
    fresh = Listed(invite=invite, uses=[], backed=True)
    return InvitationMade(
        code=code, link=link_to(request, code), invitation=InvitationOut.of(fresh, host_of(request).clock())
    )


@get("/invitations", opt=INVITE)
async def listing(request: Req) -> list[InvitationOut]:
    """Invitations, newest first, and who came in by them."""
    host = host_of(request)
    now = host.clock()
    return [InvitationOut.of(one, now) for one in await host.invites.newest()]


@post("/invitations", opt=INVITE)
async def create(request: Req, data: JSONBody[NewInvitation]) -> InvitationMade:
    """Make an invitation. The answer is the only one that holds its link."""
    host = host_of(request)
    code, invite = await host.invites.create(
        request.user,
        role=data.role,
        uses=data.uses,
        days=data.days,
        note=data.note,
        email=data.email,
        libraries=data.libraries,
        send=data.send,
    )
    host.jobs.wake()
    return _made(request, code, invite)


@post("/invitations/{invite_id:int}/reissue", opt=INVITE)
async def reissue(request: Req, invite_id: FromPath[int]) -> InvitationMade:
    """A new link for what is left of an invitation; the old one ends."""
    host = host_of(request)
    code, invite = await host.invites.reissue(request.user, invite_id)
    return _made(request, code, invite)


@delete("/invitations/{invite_id:int}", opt=INVITE, status_code=204)
async def revoke(request: Req, invite_id: FromPath[int]) -> None:
    """End an invitation; who came in by it stays."""
    await host_of(request).invites.revoke(request.user, invite_id)


@get("/invite/{code:str}", opt=VISITOR)
async def opened(request: Req, code: FromPath[str]) -> Opened:
    """Open an invitation. One that does not work is not found, whatever the reason."""
    host = host_of(request)
    invite = await host.invites.open(code)
    return Opened(
        house=(await host.house.get()).name,
        inviter=invite.inviter,
        role=await host.invites.role_title(invite),
        note=invite.note,
        for_one_address=invite.email is not None,
        expires_at=invite.expires_at,
    )


@post("/invite/{code:str}", opt=VISITOR)
async def accept(request: Req, code: FromPath[str], data: JSONBody[Coming]) -> CameIn:
    """Make an account by an invitation."""
    user = await host_of(request).invites.accept(
        code, username=data.username, password=data.password, display_name=data.display_name, email=data.email
    )
    return CameIn(id=user.id, username=user.username, role=user.role)


@post("/invite/{code:str}/passkey/options", opt=VISITOR, status_code=200)
async def begin_passkey(request: Req, code: FromPath[str], data: JSONBody[ComingByPasskey]) -> Response[dict[str, Any]]:
    """Options for `navigator.credentials.create`, good in this browser and for this invitation, once.

    What is wrong with the account is said here, before the browser makes a key.
    """
    begun = await host_of(request).joining.begin(
        code, site_of(request), username=data.username, display_name=data.display_name, email=data.email
    )
    return challenge(request, begun)


@post("/invite/{code:str}/passkey", opt=VISITOR)
async def accept_passkey(request: Req, code: FromPath[str], data: JSONBody[FirstPasskey]) -> Response[TokensOut]:
    """Make the account that was begun, without a password, and sign it in."""
    name = data.name.strip() or agent_of(request.headers.get("user-agent", "")).words
    state = request.cookies.get(PASSKEY_COOKIE, "")
    user = await host_of(request).joining.finish(code, state, data.credential, name)
    answer = await entered(request, user, "passkey")
    answer.set_cookie(challenge_cookie(request, ""))
    answer.set_cookie(said_cookie(_("Welcome, %(name)s") % {"name": user.display_name}))
    return answer


HANDLERS = [listing, create, reissue, revoke, opened, accept, begin_passkey, accept_passkey]
