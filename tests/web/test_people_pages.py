"""The admin pages for people: what they show, what they do, and what hostile words do there."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete
from world import PASSWORD

from vaderflix_core.host import Host
from vaderflix_core.store.tables import activity

pytestmark = pytest.mark.anyio
XSS = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LINK = re.compile(r'value="(http[^"]+/invite/([\w-]{20,}))"')


async def users(host: Host) -> dict[str, Any]:
    return {user.username: user for user in await host.access.list_users()}


async def test_a_link_is_made_shown_once_with_its_qr_code_and_works(host: Host, visit: Any, app: Any) -> None:
    mara = await visit("mara")
    form = {"role": "requester", "uses": "1", "days": "3", "note": "Come in", "email": ""}
    made = await mara.post("/admin/invitations", form)
    assert made.status_code in (200, 201)
    found = LINK.search(made.text)
    assert found is not None
    link, code = found.groups()
    assert link.startswith("http://vaderflix.test/invite/")
    assert code not in (await mara.get("/admin/invitations")).text
    picture = await mara.get(f"/admin/invitations/qr/{code}")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert "<script" not in picture.text
    assert f'src="/admin/invitations/qr/{code}"' in made.text
    assert (await host.invites.open(code)).note == "Come in"


async def test_terms_that_make_no_sense_keep_the_form(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    for wrong in ({"uses": "abc"}, {"days": "-1"}, {"email": "x"}, {"role": "emperor"}, {"uses": "٣"}):
        form = {"role": "viewer", "uses": "1", "days": "3", "note": "kept note", **wrong}
        answer = await mara.post("/admin/invitations", form)
        assert answer.status_code == 422, wrong
        assert "kept note" in answer.text
    assert await host.invites.newest() == []


async def test_a_link_is_renewed_and_revoked(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    code, invite = await host.invites.create((await users(host))["mara"], role="viewer")
    renewed = await mara.post(f"/admin/invitations/{invite.id}/reissue")
    fresh = LINK.search(renewed.text)
    assert fresh is not None
    assert fresh[2] != code
    assert (await mara.get(f"/invite/{code}")).status_code == 404
    assert (await mara.post(f"/admin/invitations/{invite.id}/revoke")).status_code == 303
    assert (await mara.get(f"/invite/{fresh[2]}")).status_code == 404


async def test_a_person_is_changed_signed_out_and_removed(host: Host, visit: Any) -> None:
    mara, edith = await visit("mara"), await visit("edith")
    known = (await users(host))["edith"]
    here = f"/admin/people/{known.id}"
    page = await mara.get(here)
    assert "Rights beside the role" in page.text
    await mara.post(here, {"display_name": "Edith B.", "email": "edith@example.org"})
    assert (await users(host))["edith"].email == "edith@example.org"
    await mara.post(f"{here}/rights", {"right.request.auto_approve.movie": "give", "right.play": "take"})
    changed = (await users(host))["edith"]
    assert (changed.granted, changed.withheld) == (("request.auto_approve.movie",), ("play",))
    assert (await edith.get("/")).status_code == 303, "changed rights sign them out"
    edith = await visit("edith")
    await mara.post(f"{here}/sign-out")
    assert (await edith.get("/")).status_code == 303
    refused = await mara.post(f"{here}/remove", {"requests": "burn"})
    assert refused.status_code == 303
    assert "edith" in await users(host)
    await mara.post(f"{here}/remove", {"requests": "cancel"})
    assert "edith" not in await users(host)
    assert (await mara.get(here)).status_code == 404


async def test_a_form_that_is_older_than_the_account_changes_nothing_and_says_so(host: Host, visit: Any) -> None:
    mara, edith = await visit("mara"), (await users(host))["edith"]
    here = f"/admin/people/{edith.id}"
    found = re.findall(r'name="seen" value="(\w+)"', (await mara.get(here)).text)
    assert len(found) == 3
    await mara.post(f"{here}/rights", {"right.play": "take", "seen": found[0]})
    for path, form in (("", {"display_name": "E.", "email": ""}), ("", {"role": "viewer"}), ("/rights", {})):
        answer = await mara.post(f"{here}{path}", {**form, "seen": found[0]})
        assert "meanwhile" in (await mara.get(answer.headers["location"])).text
    after = (await users(host))["edith"]
    assert (after.withheld, after.role, after.display_name) == (("play",), edith.role, edith.display_name)
    await mara.post(here, {"disabled": "yes"})
    assert (await users(host))["edith"].disabled


async def test_nobody_removes_or_weakens_themselves_here(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    me = (await users(host))["mara"]
    for path, form in (
        ("", {"role": "viewer"}),
        ("", {"disabled": "yes"}),
        ("/rights", {"right.settings": "take"}),
        ("/remove", {"requests": "cancel"}),
    ):
        await mara.post(f"/admin/people/{me.id}{path}", form)
    after = (await users(host))["mara"]
    assert (after.role, after.disabled, after.withheld) == ("admin", False, ())
    assert (await mara.get("/")).status_code == 200


async def test_extra_fields_of_a_form_change_nothing(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    edith = (await users(host))["edith"]
    extra = {"username": "root", "id": "1", "granted": "settings", "password_hash": "x", "permissions": "settings"}
    await mara.post(f"/admin/people/{edith.id}", {"display_name": "Edith", "email": "", **extra})
    await mara.post(f"/admin/people/{edith.id}/rights", {"right.everything": "give", "right.": "give", "role": "admin"})
    after = (await users(host))["edith"]
    assert (after.id, after.role, after.granted) == (edith.id, "requester", ())


async def test_a_role_is_defined_changed_and_removed(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    form = {"title": "Film club", "permission": ["browse", "request.movie"]}
    assert (await mara.post("/admin/roles/new", form)).status_code == 303
    assert "Film club" in (await mara.get("/admin/roles")).text
    again = await mara.post("/admin/roles/new", form)
    assert again.status_code == 422
    assert "Another role has this name" in again.text
    await mara.post("/admin/roles/film-club", {"title": "Club", "permission": ["browse"]})
    role = await host.roles.get("film-club")
    assert (role.title, sorted(role.permissions)) == ("Club", ["browse"])
    await mara.post("/admin/roles/viewer", {"title": "Hacked", "permission": ["browse", "play", "request.movie"]})
    viewer = await host.roles.get("viewer")
    assert viewer.title == "Viewer"
    assert "request.movie" in viewer.permissions
    assert (await mara.post("/admin/roles/admin", {"permission": []})).status_code == 403
    await mara.post("/admin/roles/film-club/remove")
    assert [r.name for r in await host.roles.all()] == ["viewer", "requester", "admin"]


async def test_a_log_that_was_cut_off_is_said_on_the_dashboard_and_goes_on_when_an_admin_has_looked(
    host: Host, visit: Any
) -> None:
    mara, edith = await visit("mara"), await visit("edith")
    await host.log_seal.seal()
    last = (await host.activity.find(limit=1))[0].id
    host.db.write_sync(lambda conn: conn.execute(delete(activity).where(activity.c.id == last)))
    assert "not there any more" in (await mara.get("/admin/activity/chain")).text
    await host.log_seal.seal()
    assert "The activity log was changed" in (await mara.get("/admin")).text
    assert "I have looked, go on" in (await mara.get("/admin/activity/chain")).text
    assert (await edith.post("/admin/activity/accept")).status_code == 403
    assert (await mara.post("/admin/activity/accept")).status_code == 303
    assert "The activity log was changed" not in (await mara.get("/admin")).text
    assert "The log is whole" in (await mara.get("/admin/activity/chain")).text
    assert "Accepted a change of the log" in (await mara.get("/admin/activity")).text
    assert (await mara.post("/admin/activity/accept")).status_code == 303


async def test_the_log_shows_filters_exports_and_proves_itself(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    await mara.post("/admin/house", {"name": f"=cmd {XSS}"[:60], "registration": "request"})
    shown = await mara.get("/admin/activity?what=house")
    assert "Changed the house settings" in shown.text
    assert "Signed in" not in shown.text
    assert "<script>alert" not in shown.text
    await host.log_seal.seal()
    assert "The log is whole" in (await mara.get("/admin/activity/chain")).text
    sheet = await mara.get("/admin/activity/csv?what=house")
    assert "attachment" in sheet.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(sheet.text, newline="")))
    assert len(rows) == 2
    assert rows[1][rows[0].index("subject")].startswith("'=cmd")
    [entry] = json.loads((await mara.get("/admin/activity/json?what=house")).content)
    assert (entry["actor"], entry["ip"]) == ("mara", "127.0.0.1")
    for query in ("who=x&since=never&until=2026-99-99", "who=99999999999999999999", "words=%25%27%22&before=0"):
        assert (await mara.get(f"/admin/activity?{query}")).status_code == 200


async def test_decisions_about_requests_and_services_are_in_the_log(host: Host, visit: Any) -> None:
    mara, edith = await visit("mara"), await visit("edith")
    await edith.post("/title/movie/tmdb-19/request")
    [request] = await host.requests.list((await users(host))["mara"], scope="all")
    await mara.post(f"/admin/requests/{request.id}/decline", {"reason": "We have it on disc"})
    await mara.post("/admin/services/films-4k/enabled", {"on": "no"})
    await mara.post("/signout")
    found = {entry.action: entry for entry in await host.activity.find()}
    declined = found["request.declined"]
    assert (declined.actor, declined.ip, declined.after["reason"]) == ("mara", "127.0.0.1", "We have it on disc")
    assert (declined.before["state"], declined.after["state"]) == ("pending", "declined")
    assert found["request.asked"].actor == "edith"
    changed = found["service.changed"]
    assert (changed.subject, changed.before, changed.after) == ("films-4k", {"enabled": "yes"}, {"enabled": "no"})
    assert "sesame" not in str(await host.activity.find())
    assert found["session.ended"].actor == "mara"


async def test_mails_are_shown_tested_and_logged(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    page = await mara.get("/admin/mails")
    assert "Nothing that sends mails is connected" in page.text
    preview = await mara.get("/admin/mails/invitation")
    assert "Mara invites you" in preview.text
    assert (await mara.get("/admin/mails/nothing")).status_code == 404
    await mara.post("/admin/mails/invitation/test", {"to": "not an address"})
    assert await host.notify.deliveries() == []
    await mara.post("/admin/mails/access_rejected/test", {"to": "mara@example.org"})
    listed = await mara.get("/admin/mails?show=queued")
    assert "mara@example.org" in listed.text


async def test_hostile_names_stay_names_on_every_admin_page(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    me = (await users(host))["mara"]
    edith = (await users(host))["edith"]
    await host.people.change(me, edith.id, display_name=XSS, email="edith@example.org")
    await host.access.change_user(me.id, email="mara@example.org")
    await host.house.change(me, registration="request")
    await host.roles.create(me, title=XSS, permissions=["browse"])
    await host.access_requests.ask(name=XSS, email="noor@example.org", message=XSS)
    host.jobs.wake()
    async with asyncio.timeout(60):
        while not (asked := await host.access_requests.newest()):
            await asyncio.sleep(0.02)
    await host.access_requests.reject(me, asked[0].id, XSS)
    code, _ = await host.invites.create(me, role="viewer", note=XSS)
    await host.invites.accept(code, username="tomas", password=PASSWORD, display_name=XSS)
    for path in (
        "/admin",
        "/admin/people",
        f"/admin/people/{edith.id}",
        "/admin/roles",
        "/admin/roles/script-alert-1-script-img",
        "/admin/invitations",
        "/admin/access?show=rejected",
        "/admin/activity",
        "/admin/mails",
        "/admin/requests",
    ):
        text = (await mara.get(path)).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


async def test_the_log_says_rights_and_settings_and_invitations_in_words(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    noor = (await users(host))["noor"]
    await host.people.change((await users(host))["mara"], noor.id, granted=["request.movie"], withheld=[])
    films = await host.instances.get("films")
    changed = {**films.settings, "profile": "2"}
    await mara.post(
        "/admin/services/films",
        {"name": films.name, "priority": "50", "enabled": "on", "s.url": changed["url"], "s.key": "", "s.profile": "2"},
    )
    form = {"role": "requester", "uses": "1", "days": "3", "note": "", "email": ""}
    await mara.post("/admin/invitations", form)
    page = (await mara.get("/admin/activity")).text
    for part in ("Given beside the role", "Request films", "Invitation 1", "<dd>Quality, Check the certificate</dd>"):
        assert part in page
    for part in ("request.movie", "invitation 1", ">changed settings<"):
        assert part not in page
    assert '<label class="dated" for="a-since"><span class="small-text quiet-text">From</span>' in page


async def test_what_was_refused_does_not_look_like_what_was_done(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    here = f"/admin/people/{(await users(host))['edith'].id}"

    async def toast() -> str:
        found = re.search(r'<div class="toast" data-toast>(.*?)</div>', (await mara.get(here)).text)
        assert found is not None
        return found[1]

    await mara.post(f"{here}/second-factor/reset")
    refused = await toast()
    assert "This account has no second factor." in refused
    assert 'class="icon bad"' in refused
    await mara.post(f"{here}/sign-out")
    done = await toast()
    assert "is signed out everywhere" in done
    assert 'class="icon ok"' in done


async def test_many_people_are_searched_filtered_and_paged(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    assert 'name="words"' not in (await mara.get("/admin/people")).text  # a few are seen at a glance
    for n in range(60):
        await host.access.create_user(f"guest{n:02}", None, role="viewer", display_name=f"Zoë {n:02}")

    def shown(page: str) -> list[str]:
        return re.findall(r'class="plain-link" href="/admin/people/\d+">([^<]+)<', page)

    first = (await mara.get("/admin/people")).text
    assert len(shown(first)) == 50
    assert "Page 1 of 2" in first
    second = shown((await mara.get("/admin/people?page=2")).text)
    assert not set(second) & set(shown(first))
    assert shown((await mara.get("/admin/people?words=zOË+07")).text) == ["Zoë 07"]
    assert shown((await mara.get("/admin/people?role=admin")).text) == ["Mara"]
    assert (
        "/admin/people?words=guest&amp;role=viewer&amp;page=2"
        in (await mara.get("/admin/people?words=guest&role=viewer")).text
    )
    assert "No account fits this filter." in (await mara.get("/admin/people?words=nobody-is-called-so")).text
    assert shown((await mara.get("/admin/people?page=99")).text) == second


async def test_a_day_of_the_log_is_the_viewers_day(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    now = host.clock()
    # one of these is never on the day that UTC is on
    zone = next(
        zone
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago")
        if now.astimezone(ZoneInfo(zone)).date() != now.date()
    )
    await mara.post("/you/profile", {"display_name": "Mara", "time_zone": zone})
    shown = {}
    for day in (now.astimezone(ZoneInfo(zone)).date(), now.date()):
        query = f"what=profile&since={day}&until={day}"
        shown[day] = "Changed the profile</b>" in (await mara.get(f"/admin/activity?{query}")).text
        assert ("profile.changed" in (await mara.get(f"/admin/activity/csv?{query}")).text) == shown[day]
    assert list(shown.values()) == [True, False]
    for far in ("0001-01-01", "9999-12-31"):
        assert (await mara.get(f"/admin/activity?since={far}&until={far}")).status_code == 200


async def test_the_rights_of_a_person_are_folded_and_counted(host: Host, visit: Any) -> None:
    mara = await visit("mara")
    noor = (await users(host))["noor"]
    assert "As the role says." in (await mara.get(f"/admin/people/{noor.id}")).text
    await host.people.change((await users(host))["mara"], noor.id, granted=["request.movie"], withheld=[])
    page = (await mara.get(f"/admin/people/{noor.id}")).text
    assert re.search(r"[12] rights? differs? from the role\.", page)
    assert 'name="right.browse"' in page.partition('<details class="advanced">')[2].partition("</details>")[0]
