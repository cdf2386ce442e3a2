"""The composition root: one `Host` owns everything that lives. There are no singletons, so tests build two."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from .access.activity import Activity
from .access.arrivals import Arrivals
from .access.house import HouseRules
from .access.identities import Identities
from .access.invites import Invites
from .access.joining import Joining
from .access.links import Links
from .access.log_seal import LogSeal
from .access.oidc import Oidc
from .access.own_account import OwnAccount
from .access.own_data import OwnData
from .access.passkeys import Passkeys
from .access.passwordless import Passwordless
from .access.passwords import Passwords
from .access.people import People
from .access.promises import Promises
from .access.providers import Providers
from .access.requests import AccessRequests
from .access.roles import Roles
from .access.service import Access
from .access.sessions import Sessions
from .access.share_ends import END, ShareEnds
from .access.share_watch import ShareWatch
from .access.sharing import Sharing
from .access.totp import SecondFactor
from .api.events import HealthChanged, InstanceChanged
from .api.models import HintScope, Severity
from .api.roles import MediaSource
from .bus import Bus
from .config import Config
from .downloads.service import Downloads
from .hints import Hints, Reader
from .instances import Instances
from .jobs.broker import Jobs
from .jobs.runner import Runner
from .library.index import Library
from .life import ALL, HintHeard, Life, Part, ServicesEdited, WorkQueued
from .log import Redactor
from .monitor.containers import Containers
from .monitor.service import Monitor
from .notify.mails import Mails
from .notify.service import Notify
from .playback.images import Images
from .playback.service import Watch
from .plugins.apart import Apart
from .plugins.fanout import Fanout
from .plugins.guard import Guard
from .plugins.loader import load_plugins
from .plugins.pool import Pool
from .plugins.records import InstanceRecord, InstanceState
from .plugins.supervisor import Supervisor
from .plugins.work import PluginWork
from .problems.service import Problems
from .requests.follow import Follower
from .requests.service import SUBMIT, Requests
from .requests.submit import Submitter
from .search.search import Search
from .search.titles import Titles
from .store import jobs as job_store
from .store import meta
from .store import shares as share_store
from .store.database import Database
from .store.migrate import migrate
from .store.users import seed_roles
from .vault import open_vault

CHANGES_EVERY = timedelta(minutes=2)


class Host:
    """One running Vader Flix. Building it opens the database and loads plugins; `start()` brings it to life."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        entry_points: Any = None,
        redactor: Redactor | None = None,
        parts: frozenset[Part] = ALL,
    ) -> None:
        self.config = config
        self.clock = clock
        config.make_data_dir()
        self.redactor = redactor or Redactor()
        self.vault = open_vault(key=config.key, key_file=config.key_file, data_dir=config.data_dir)
        self.db = Database(config.database_url)
        migrate(self.db)
        self.install_id = self.db.write_sync(_install_id)
        self.db.write_sync(seed_roles)
        self.bus = Bus()
        self.activity = Activity(self.db, clock)
        self.plugins = load_plugins(
            disabled=config.disabled_plugins, safe_mode=config.safe_mode, entry_points=entry_points
        )
        self.pool = Pool()
        self.guard = Guard(clock=clock, clean=self.redactor.clean)
        self.fanout = Fanout(self.pool, self.guard)
        self.supervisor = Supervisor(
            self.plugins,
            self.pool,
            self.guard,
            install_id=self.install_id,
            clock=clock,
            on_change=self._instance_changed,
            on_secret=self.redactor.add,
            clean=self.redactor.clean,
        )
        self.instances = Instances(
            self.db,
            config,
            self.vault,
            self.bus,
            self.supervisor,
            self.plugins,
            clock,
            on_edited=self._edited,
            on_removed=self._removed,
        )
        self.sessions = Sessions(self.db, self.vault, clock, days=config.session_days)
        self.access = Access(self.db, self.sessions, clock)
        self.own_account = OwnAccount(self.db, self.sessions, self.activity)
        self.own_data = OwnData(self.db, self.activity, clock)
        self.library = Library(
            self.db, self.pool, self.guard, clock, on_change=self.bus.publish, expected=self._media_sources
        )
        self.images = Images(self.pool, self.guard, self.vault, config.data_dir / "cache" / "images")
        self.search = Search(self.library, self.pool, self.fanout, self.images)
        self.titles = Titles(self.library, self.pool, self.fanout, self.images)
        self.runner = Runner(self.db, clock)
        self.jobs = Jobs(
            self.db,
            self.runner,
            clock,
            redis_url=config.redis_url if parts != ALL else None,
            relays=Part.SCHEDULER in parts,
            works=Part.WORKER in parts,
            elsewhere=lambda: self.bus.publish(WorkQueued(at=clock())),
        )
        self.downloads = Downloads(self.db, self.bus, self.pool, self.guard, clock)
        self.problems = Problems(self.db, self.jobs, clock)
        self.requests = Requests(self.db, self.bus, self.jobs, self.downloads, self.pool, clock)
        self.submitter = Submitter(self.db, self.bus, self.pool, self.guard, self.runner, clock)
        self.follower = Follower(self.db, self.bus, self.pool, self.guard, self.library, clock)
        self.notify = Notify(
            self.db, self.bus, self.pool, self.guard, self.runner, clock, base_url=lambda: config.base_url
        )
        self.mails = Mails(
            self.db, self.bus, self.pool, self.guard, self.runner, self.vault, clock, base_url=lambda: config.base_url
        )
        self.log_seal = LogSeal(self.db, self.vault, self.activity, self.mails.queue, self.jobs, clock)
        self.sessions.on_start.append(Arrivals(self.activity, self.mails.queue, clock).started)
        self.house = HouseRules(self.db, self.activity)
        self.links = Links(self.db, self.vault, clock)
        self.people = People(self.db, self.access, self.sessions, self.links, self.activity, clock)
        self.roles = Roles(self.db, self.sessions, self.activity)
        self.invites = Invites(self.db, self.access, self.house, self.activity, self.mails, clock)
        self.access_requests = AccessRequests(
            self.db, self.invites, self.activity, self.mails, self.runner, self.jobs, self.vault, clock
        )
        apart = Apart(self.guard)
        self.oidc = Oidc()
        self.providers = Providers(self.db, self.vault, self.oidc, self.activity)
        self.identities = Identities(
            self.db,
            self.vault,
            self.pool,
            apart,
            self.access,
            self.invites,
            self.providers,
            self.oidc,
            self.activity,
            clock,
        )
        self.sharing = Sharing(self.db, self.pool, apart, self.activity, clock)
        self.promises = Promises(self.pool, apart, clock)
        self.share_watch = ShareWatch(self.db, self.pool, apart, self.sharing, self.sessions, self.activity, clock)
        self.share_ends = ShareEnds(self.db, self.pool, apart, self.activity, self.runner, self.jobs, clock)
        self.invites.on_accepted.append(self.sharing.accepted)
        self.passwords = Passwords(self.db, self.access, self.links, self.activity, self.jobs, self.mails.queue, clock)
        self.second_factor = SecondFactor(self.db, self.vault, self.links, self.passwords, self.activity, clock)
        self.passwordless = Passwordless(
            self.db,
            self.sessions,
            self.passwords,
            self.second_factor,
            self.activity,
            self.jobs,
            self.mails.queue,
            clock,
        )
        self.passkeys = Passkeys(self.db, self.vault, self.activity, clock)
        self.joining = Joining(self.invites, self.passkeys)
        self.monitor = Monitor(self.db, self.bus, self.pool, self.guard, lambda: self.supervisor.records, clock)
        self.containers = Containers(self.pool, self.guard, self.activity, self.redactor.clean)
        self.playback = Watch(self.db, self.pool, self.guard, self.library, self.vault, clock)
        self.hints = Hints(
            self.pool,
            self.guard,
            self.vault,
            self._readers() if Part.SCHEDULER in parts else self._tellers(),
        )
        self.plugin_work = PluginWork(self.supervisor, self.guard, self.bus)
        self.life = Life(self, parts)
        self._synced: dict[str, datetime] = {}
        self._stopped = False

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin the background work of this process's parts."""
        await self.life.start()

    async def stop(self) -> None:
        """End everything, in order; safe to call twice."""
        if self._stopped:
            return
        self._stopped = True
        self.bus.close()
        await self.life.stop()
        await self.jobs.stop()
        await self.supervisor.stop()
        await self.oidc.close()
        self.db.dispose()

    # -- what one part tells another -----------------------------------------------------------------------------

    def _instance_changed(self, record: InstanceRecord) -> None:
        state = record.state
        self.bus.publish(InstanceChanged(at=self.clock(), instance=record.config.id, state=state))
        if state is InstanceState.RUNNING:
            self._hurry(record.config.id)

    def _hurry(self, instance: str) -> None:
        """A service is back: what waited for it goes on now."""
        self.follower.hint(instance)
        self.life.begin("hurry", self._hurry_work(instance))

    async def _hurry_work(self, instance: str) -> None:
        now = self.clock()

        def hurry(conn: Connection) -> None:
            for kind in (SUBMIT, END):
                job_store.hurry(conn, kind, now)
            share_store.hurry(conn, instance)
            self.notify.hurry(conn, instance)
            self.mails.hurry(conn, instance)

        await self.db.write(hurry)
        self.jobs.wake()

    def health_changed(self, event: HealthChanged) -> None:
        """A service that works again is back, also when it failed too rarely for its calls to be held back."""
        if event.severity is not Severity.ERROR:
            self._hurry(event.instance)

    def _media_sources(self) -> set[str]:
        """Instances that should hold titles, whether they run or not."""
        return {
            id
            for id, record in self.supervisor.records.items()
            if record.state is not InstanceState.DISABLED
            and "media_sources" in self.plugins[record.config.plugin].hooks
        }

    def _readers(self) -> dict[HintScope, Reader]:
        return {
            HintScope.REQUESTS: self.follower.hint,
            HintScope.DOWNLOADS: self.downloads.hint,
            HintScope.HEALTH: self.monitor.hint,
            HintScope.LIBRARY: self._library_hint,
        }

    def _tellers(self) -> dict[HintScope, Reader]:
        """In a process that does not read by itself: tell the one that does."""

        def teller(scope: HintScope) -> Reader:
            return lambda instance, ref: self.bus.publish(
                HintHeard(at=self.clock(), instance=instance, scope=scope, ref=ref)
            )

        return {scope: teller(scope) for scope in HintScope}

    def _edited(self) -> None:
        self.bus.publish(ServicesEdited(at=self.clock()))

    async def _removed(self, instance: str) -> None:
        """An admin removed a service: what it held can no longer be watched."""
        self._synced.pop(instance, None)
        await self.library.forget(instance)

    async def _library_hint(self, instance: str, ref: str | None) -> None:
        if ref is None:
            await self.library.sync_changes(instance)
        else:
            await self.library.refresh_item(instance, ref)

    async def sync_libraries(self) -> None:
        """Bring each library index up to date: at once when an instance comes, then when it is due."""
        never = datetime.min.replace(tzinfo=UTC)
        for binding in self.pool.bindings(MediaSource):
            now = self.clock()
            if now - self._synced.get(binding.instance, never) >= CHANGES_EVERY:
                self._synced[binding.instance] = now
                await self.library.keep_up(binding.instance)


def _install_id(conn: Connection) -> str:
    """A random id of this installation, made once."""
    known = meta.get(conn, "install_id")
    if known is None:
        known = secrets.token_hex(16)
        meta.put(conn, "install_id", known)
    return known
