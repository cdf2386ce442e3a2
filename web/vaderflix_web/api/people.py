"""Accounts, for those who look after them. A key can give and take only what it may do itself."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from vaderflix_core.access.models import Permission
from vaderflix_core.access.people import Person

from ..auth import host_of
from ..page import Req
from .shapes import Input, NewAccount, UserOut

MANAGE = {"permission": "users.manage"}
Rights = Annotated[list[Permission], Meta(max_length=len(Permission))]


class PersonOut(UserOut, frozen=True, kw_only=True):
    """An account, what was given to it and taken from it beside its role, and how much it has asked for."""

    granted: list[str]
    withheld: list[str]
    requests: int

    @classmethod
    def of_person(cls, person: Person) -> PersonOut:
        """From the domain's."""
        user = person.user
        return cls(
            **asdict(UserOut.of(user)),
            granted=list(user.granted),
            withheld=list(user.withheld),
            requests=person.requests,
        )


class AccountChange(Input, frozen=True, kw_only=True):
    """What to change of an account; what is left out stays, an `email` of null is removed."""

    role: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    display_name: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET
    granted: Rights | UnsetType = UNSET
    withheld: Rights | UnsetType = UNSET


class Removal(Struct, frozen=True, kw_only=True):
    """That an account is gone."""

    removed: int


@get("/users", opt=MANAGE)
async def listing(request: Req) -> list[PersonOut]:
    """All accounts, by name."""
    return [PersonOut.of_person(person) for person in await host_of(request).people.all()]


@post("/users", opt=MANAGE)
async def add(request: Req, data: JSONBody[NewAccount]) -> PersonOut:
    """Make an account."""
    people = host_of(request).people
    user = await people.create(
        request.user,
        data.username,
        data.password,
        role=data.role,
        display_name=data.display_name,
        email=data.email,
    )
    return PersonOut.of_person(await people.get(user.id))


@get("/users/{user_id:int}", opt=MANAGE)
async def one(request: Req, user_id: FromPath[int]) -> PersonOut:
    """One account."""
    return PersonOut.of_person(await host_of(request).people.get(user_id))


@patch("/users/{user_id:int}", opt=MANAGE)
async def change(request: Req, user_id: FromPath[int], data: JSONBody[AccountChange]) -> PersonOut:
    """Change an account; what changes its rights signs it out. Nobody changes their own rights."""
    given = {name: value for name, value in asdict(data).items() if value is not UNSET}
    if "email" in given:
        given["email"] = given["email"] or ""
    people = host_of(request).people
    await people.change(request.user, user_id, **given)
    return PersonOut.of_person(await people.get(user_id))


@post("/users/{user_id:int}/sign-out", opt=MANAGE, status_code=204)
async def sign_out(request: Req, user_id: FromPath[int]) -> None:
    """Sign an account out on all its devices."""
    await host_of(request).people.sign_out(request.user, user_id)


@delete("/users/{user_id:int}", opt=MANAGE, status_code=200)
async def remove(
    request: Req,
    user_id: FromPath[int],
    requests: FromQuery[Literal["cancel", "keep", "delete"]] = "cancel",
    shares: FromQuery[Literal["end", "keep"]] = "end",
) -> Removal:
    """Remove an account. Its open requests are cancelled and the history kept without a name, or all of them go on
    without a name (`keep`), or all of them go too (`delete`). What is shared with it ends at the sources, or stays."""
    host = host_of(request)
    await host.people.remove(request.user, user_id, requests=requests, end_shares=shares == "end")
    host.jobs.wake()
    return Removal(removed=user_id)


HANDLERS = [listing, add, one, change, sign_out, remove]
