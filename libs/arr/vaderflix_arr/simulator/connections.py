"""Download clients, notifications and indexers of one simulator, and the client that is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vaderflix_core.api import Peer

from .forms import torrent_fields, torznab_fields, webhook_fields
from .http import Router, Row
from .providers import Kind, Providers
from .torrents import ClientError, QBittorrent
from .webhooks import field_value, provider_refusal

if TYPE_CHECKING:
    from .engine import ArrSimulator


class Connections:
    """Serves the three kinds of providers, and keeps `sim.client` true to the stored download client."""

    def __init__(self, sim: ArrSimulator) -> None:
        self.sim = sim
        self._built: Any = None
        divider = sim.slug == "radarr"
        wiki = f"https://wiki.servarr.com/{sim.slug}/supported#"
        self.kinds = (
            Kind(
                table="downloadclient",
                implementation="QBittorrent",
                name="qBittorrent",
                contract="QBittorrentSettings",
                link=f"{wiki}qbittorrent",
                fields=torrent_fields(sim.part, sim.category, divider),
                head=_client_head,
                test=self._test_client,
                changed=self.rebuild,
            ),
            Kind(
                table="notification",
                implementation="Webhook",
                name="Webhook",
                contract="WebhookSettings",
                link=f"{wiki}webhook",
                fields=webhook_fields(divider),
                head=self._notification_head,
                test=self._test_webhook,
                changed=sim.store.touch,
            ),
            Kind(
                table="indexer",
                implementation="Torznab",
                name="Torznab",
                contract="TorznabSettings",
                link=f"{wiki}torznab",
                fields=torznab_fields(),
                head=self._indexer_head,
                test=self._accept,
                changed=sim.store.touch,
            ),
        )

    def routes(self, router: Router) -> None:
        """Serve them."""
        for kind in self.kinds:
            Providers(self.sim.store, kind).routes(router)

    def use_peer(self, peer: Peer) -> None:
        """Configure the world's qBittorrent as the download client, as an owner would in the settings."""
        parts = urlsplit(peer.url)
        values = {"host": parts.hostname, "port": parts.port or 80, "useSsl": parts.scheme == "https"}
        values |= {"username": peer.credentials["username"], "password": peer.credentials["password"]}
        values[f"{self.sim.part}Category"] = self.sim.category
        fields = [{"name": name, "value": value} for name, value in values.items()]
        rows = self.sim.store.rows("downloadclient")
        if rows:
            rows[0]["fields"] = fields
            self.sim.store.touch()
        else:
            self.sim.store.add("downloadclient", {"name": "qb", "enable": True, "fields": fields, "tags": []})

    def rebuild(self) -> None:
        """Make the client that the first enabled download client describes."""
        self.sim.store.touch()
        rows = [row for row in self.sim.store.rows("downloadclient") if row.get("enable", True)]
        wanted = rows[0] if rows else None
        if wanted == self._built and self.sim.client is not None:
            return
        if isinstance(self.sim.client, QBittorrent):
            self.sim.job(self.sim.client.close)
        self._built = dict(wanted) if wanted else None
        client = _client(wanted) if wanted else None
        self.sim.client = client
        if wanted and client:
            self.sim.client_name, self.sim.client_address = wanted["name"], client.address

    async def close(self) -> None:
        """Let go of the client's connections."""
        if self.sim.client is not None:
            await self.sim.client.close()
            self.sim.client = None

    async def _accept(self, row: Row) -> None:
        """An indexer is believed."""

    async def _test_webhook(self, row: Row) -> None:
        await self.sim.webhooks.test(row, self.sim.test_payload())

    async def _test_client(self, row: Row) -> None:
        client = _client(row)
        try:
            await self.sim.reached(client.test())
        except ClientError as error:
            if error.reason == "auth":
                detail = f"Check the username and the password, and that the host of {self.sim.app_name} may log in."
                raise provider_refusal("Username", "Authentication Failure", detail) from error
            raise provider_refusal("Host", "Unable to connect to qBittorrent", str(error)) from error
        finally:
            await client.close()

    def _notification_head(self, row: Row) -> Row:
        flags = self.sim.notification_flags()
        shown: Row = {}
        for flag in flags:
            shown[f"on{flag}"] = bool(row.get(f"on{flag}"))
            if flag == "HealthIssue":
                shown["includeHealthWarnings"] = bool(row.get("includeHealthWarnings"))
        return {**shown, **{f"supportsOn{flag}": True for flag in flags}}

    def _indexer_head(self, row: Row) -> Row:
        shown: Row = {f"enable{name}": row.get(f"enable{name}", True) for name in ("Rss", "AutomaticSearch")}
        shown["enableInteractiveSearch"] = row.get("enableInteractiveSearch", True)
        shown |= {"supportsRss": True, "supportsSearch": True, "protocol": "torrent", "priority": 25}
        if self.sim.slug == "sonarr":
            shown["seasonSearchMaximumSingleEpisodeAge"] = 0
        return {**shown, "downloadClientId": 0}


def _client_head(row: Row) -> Row:
    shown: Row = {"enable": row.get("enable", True), "protocol": "torrent", "priority": row.get("priority", 1)}
    shown["removeCompletedDownloads"] = row.get("removeCompletedDownloads", True)
    shown["removeFailedDownloads"] = row.get("removeFailedDownloads", True)
    return shown


def _client(row: Row) -> QBittorrent:
    scheme = "https" if field_value(row, "useSsl") else "http"
    base = str(field_value(row, "urlBase") or "").strip("/")
    address = f"{scheme}://{field_value(row, 'host')}:{field_value(row, 'port')}{'/' + base if base else ''}"
    username, password = field_value(row, "username") or "", field_value(row, "password") or ""
    return QBittorrent(address, str(username), str(password))
