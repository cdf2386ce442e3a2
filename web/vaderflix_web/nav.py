"""The menus: what each person sees in the top bar, the tab bar and the admin rail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .i18n import _

if TYPE_CHECKING:
    from vaderflix_core.access.models import User


class Link(Struct, frozen=True):
    """A place in a menu. `key` is the path that makes it the current one."""

    label: str
    href: str
    icon: str
    current: bool = False
    count: int = 0


class Menu(Struct, frozen=True):
    """All menus of a page."""

    top: tuple[Link, ...] = ()
    tabs: tuple[Link, ...] = ()


ADMIN = ("dashboard", "requests.manage", "downloads.manage", "users.manage", "settings")


def admin_home(viewer: User) -> str | None:
    """The first admin page this person may see."""
    for permission, href in (
        ("dashboard", "/admin"),
        ("requests.manage", "/admin/requests"),
        ("problems.view", "/admin/problems"),
        ("downloads.manage", "/admin/downloads"),
        ("containers.view", "/admin/containers"),
        ("users.manage", "/admin/people"),
        ("users.invite", "/admin/invitations"),
        ("activity.view", "/admin/activity"),
        ("settings", "/admin/services"),
    ):
        if permission in viewer.permissions:
            return href
    return None


def menu_for(viewer: User | None, path: str) -> Menu:
    """The menus for a person on a page."""
    if viewer is None:
        return Menu()
    may = viewer.permissions
    home = Link(_("Home"), "/", "home", path == "/")
    films = Link(_("Films"), "/films", "film", path.startswith("/films"))
    series = Link(_("Series"), "/series", "tv", path.startswith("/series"))
    search = Link(_("Search"), "/search", "search", path.startswith("/search"))
    asked = Link(_("Requests"), "/requests", "list", path.startswith("/requests"))
    you = Link(_("You"), "/you", "user", path == "/you" or path.startswith("/you/"))
    top, tabs = [home, films, series], [home, search]
    if "request" in may:
        top.append(asked)
        tabs.append(asked)
    admin = admin_home(viewer)
    if admin:
        link = Link(_("Admin"), admin, "pulse", path.startswith("/admin"))
        top.append(link)
        tabs.append(link)
    else:
        # one place for both kinds: there is room for five
        tabs.insert(1, Link(_("Library"), "/films", "film", films.current or series.current))
    return Menu(tuple(top), (*tabs, you))


def rail_for(viewer: User, path: str, counts: dict[str, int] | None = None) -> list[tuple[str, list[Link]]]:
    """The admin rail in its groups, without what this person may not see."""
    counts = counts or {}
    groups = (
        (
            _("Run"),
            (
                ("dashboard", _("Dashboard"), "/admin", "pulse"),
                ("requests.manage", _("Requests"), "/admin/requests", "list"),
                ("problems.view", _("Problems"), "/admin/problems", "flag"),
                ("downloads.manage", _("Downloads"), "/admin/downloads", "down"),
                ("containers.view", _("Containers"), "/admin/containers", "box"),
            ),
        ),
        (
            _("House"),
            (
                ("users.manage", _("People"), "/admin/people", "users"),
                ("users.invite", _("Invitations"), "/admin/invitations", "link"),
                ("users.manage", _("Access"), "/admin/access", "inbox"),
                ("users.manage", _("Sharing"), "/admin/sharing", "eye"),
                ("users.manage", _("Roles"), "/admin/roles", "shield"),
                ("activity.view", _("Activity"), "/admin/activity", "log"),
            ),
        ),
        (
            _("Set up"),
            (
                ("settings", _("Services"), "/admin/services", "plug"),
                ("settings", _("House"), "/admin/house", "home"),
                ("settings", _("Ways in"), "/admin/ways", "key"),
                ("settings", _("Mails"), "/admin/mails", "mail"),
            ),
        ),
    )
    rail = []
    for title, entries in groups:
        links = [
            Link(label, href, icon, path == href or (href != "/admin" and path.startswith(href)), counts.get(href, 0))
            for permission, label, href, icon in entries
            if permission in viewer.permissions
        ]
        if links:
            rail.append((title, links))
    return rail


def you_rail(path: str) -> list[Link]:
    """The sections of one's own account."""
    entries = (
        (_("Profile"), "/you/profile", "user"),
        (_("Security"), "/you/security", "lock"),
        (_("Devices"), "/you/devices", "screen"),
        (_("API keys"), "/you/keys", "key"),
        (_("News"), "/you/news", "bell"),
        (_("Activity"), "/you/activity", "list"),
        (_("Your data"), "/you/data", "disk"),
    )
    return [Link(label, href, icon, path == href) for label, href, icon in entries]
