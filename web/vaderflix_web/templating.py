"""The template environment: escaping, icons, hashed addresses, figures and times, and each plugin's templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from vaderflix_core.access.policy import MIN_PASSWORD

from . import formats, i18n
from .assets import Assets
from .words import charts, states

TEMPLATES = Path(__file__).parent / "templates"
_SYMBOL = re.compile(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', re.DOTALL)
_PATH_DATA = re.compile(r"^[MmLlHhVvCcSsQqTtAaZz0-9eE\s,.+-]*$")

Place = tuple[datetime, tzinfo]
_place: ContextVar[Place] = ContextVar("place")


def _here() -> Place:
    return _place.get((datetime.now(UTC), UTC))


def zone_named(name: str | None) -> tzinfo:
    """The time zone of that name; UTC when there is none."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError only on the outside
        return UTC
    except KeyError:
        return UTC


class PluginTemplates(BaseLoader):
    """Templates of plugin packages, as `<plugin id>::<file>`."""

    def __init__(self, folder: Callable[[str], Path | None]) -> None:
        self._folder = folder

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """The source of a plugin's template. Raises `TemplateNotFound`."""
        plugin, separator, name = template.partition("::")
        folder = self._folder(plugin) if separator else None
        if folder is None:
            raise TemplateNotFound(template)
        return FileSystemLoader(folder).get_source(environment, name)


class Templates:
    """Renders the product's and the plugins' templates."""

    def __init__(self, assets: Assets, plugin_folder: Callable[[str], Path | None] = lambda plugin: None) -> None:
        self._icons = dict(_SYMBOL.findall((assets.root / "img/icons.svg").read_text("utf-8")))
        env = self.env = Environment(
            loader=ChoiceLoader([FileSystemLoader(TEMPLATES), PluginTemplates(plugin_folder)]),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
        env.globals.update(
            static=assets.url,
            min_password=MIN_PASSWORD,
            icon=self.icon,
            icon_path=self.icon_path,
            chip_of=states.chip_of,
            beats=charts.beats,
            spark=charts.spark,
        )
        env.filters.update(
            bytes=formats.size,
            speed=formats.speed,
            percent=formats.percent,
            duration=formats.duration,
            clock=formats.clock,
            runtime=formats.runtime,
            initials=formats.initials,
            part=formats.part,
            moment=lambda when: formats.moment(when, *_here()),
            day=lambda when: formats.day(when, *_here()),
            left=lambda when: formats.duration((when - _here()[0]).total_seconds()),
            ago=lambda when: formats.ago(when, _here()[0]),
            ready_at=lambda seconds: formats.ready_at(seconds, *_here()),
        )

    def render(self, name: str, place: Place, context: Mapping[str, Any]) -> str:
        """One template as text; `place` is the time now and the viewer's zone."""
        token = _place.set(place)
        try:
            return self.env.get_template(name).render(context)
        finally:
            _place.reset(token)

    def icon(self, name: str, classes: str = "") -> Markup:
        """An icon of the set, hidden from screen readers: the word beside it speaks."""
        return self._svg(Markup(self._icons[name]), classes)

    def icon_path(self, data: str, classes: str = "") -> Markup:
        """An icon drawn from a plugin's path data; an empty square when the data is no path."""
        safe = data if _PATH_DATA.match(data) else "M4 4h12v12H4z"
        return self._svg(Markup('<path d="{}"/>').format(safe), classes)

    @staticmethod
    def _svg(inner: Markup, classes: str) -> Markup:
        extra = f" {classes}" if classes else ""
        return Markup('<svg class="icon{}" viewBox="0 0 20 20" aria-hidden="true">{}</svg>').format(extra, inner)
