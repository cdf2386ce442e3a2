"""python-plexapi, unchanged, against the simulated plex.tv: an adapter sends https://plex.tv to it."""

import anyio.to_thread
import pytest
import requests
from plexapi.exceptions import BadRequest, Unauthorized
from plexapi.myplex import MyPlexAccount, MyPlexPinLogin
from requests.adapters import HTTPAdapter

pytestmark = pytest.mark.anyio


class Detour(HTTPAdapter):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request, **options):
        request.url = request.url.replace("https://clients.plex.tv", self.url).replace("https://plex.tv", self.url)
        return super().send(request, **{**options, "proxies": {}})


@pytest.fixture
def abroad(simulated):
    async def run(work):
        async with simulated() as (simulator, url):
            session = requests.Session()
            for host in ("https://plex.tv", "https://clients.plex.tv"):
                session.mount(host, Detour(f"{url}/plex.tv"))
            return await anyio.to_thread.run_sync(lambda: work(session, simulator))

    return run


async def test_it_signs_in_by_pin(abroad):
    def work(session, simulator):
        for oauth in (False, True):
            login = MyPlexPinLogin(session=session, oauth=oauth)
            code = login._getCode()
            assert len(code) == (24 if oauth else 4)
            assert not login.checkLogin()
            assert simulator.plextv.claim(code, "friend")
            assert login.checkLogin()
            account = MyPlexAccount(token=login.token, session=session)
            assert (account.id, account.username, account.email) == (4000002, "friend", "friend@example.org")
            (server,) = [r for r in account.resources() if "server" in r.provides.split(",")]
            assert (server.clientIdentifier, server.owned) == (simulator.state.machine, False)

    await abroad(work)


async def test_a_second_sign_in_of_a_client_ends_its_first_token(abroad):
    def work(session, simulator):
        tokens = []
        for _ in range(2):
            login = MyPlexPinLogin(session=session, oauth=True)
            simulator.plextv.claim(login._getCode(), "friend")
            assert login.checkLogin()
            tokens.append(login.token)
        with pytest.raises(Unauthorized):
            MyPlexAccount(token=tokens[0], session=session)
        assert MyPlexAccount(token=tokens[1], session=session).ping()

    await abroad(work)


async def test_it_reads_and_changes_shares(abroad):
    def work(session, simulator):
        owner = MyPlexAccount(token=simulator.token, session=session)
        machine = simulator.state.machine
        users = {user.username: user for user in owner.users()}
        assert set(users) == {"friend", "pending"}
        (share,) = users["friend"].servers
        assert (share.machineIdentifier, share.numLibraries, share.pending) == (machine, 1, False)
        assert users["pending"].servers[0].pending
        assert users["friend"].get_token(machine) == "server-token-4000002"

        owner.updateFriend("friend", machine, sections=["Films", "Series"])
        assert simulator.plextv.grant_of("friend").sections == (7000001, 7000002)
        owner.inviteFriend("stranger", machine, sections=["Series"])
        assert simulator.plextv.grant_of("stranger").sections == (7000002,)
        with pytest.raises(BadRequest):
            owner.inviteFriend("stranger", machine, sections=["Series"])
        owner.updateFriend("friend", machine, sections=["Films"], filterMovies={"contentRating": ["PG"]})
        assert simulator.plextv.grant_of("friend").filters == {"filterMovies": "contentRating=PG"}
        owner.removeFriend("friend")
        assert simulator.plextv.grant_of("friend") is None
        with pytest.raises(BadRequest):
            owner.pendingInvites()

    await abroad(work)
