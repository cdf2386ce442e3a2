"""Small charts as SVG from the server: values are attributes, never styles; each says its sense in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from ..i18n import _, ngettext

_BEAT = {"ok": ("", 12, 16), "notice": ("", 12, 16), "warning": ("w", 6, 22), "error": ("d", 0, 28)}
SLOTS = 60


def beats(name: str, severities: Sequence[str | None]) -> Markup:
    """Heartbeat bars of the last checks, oldest first: short is up, taller in trouble, full down, low unknown."""
    last = list(severities)[-SLOTS:]
    shown: list[str | None] = [*[None] * (SLOTS - len(last)), *last]
    bars = []
    for slot, severity in enumerate(shown):
        css, y, height = _BEAT.get(str(severity), ("n", 22, 6)) if severity else ("n", 22, 6)
        # numbers and our own words only: escaping each of hundreds of bars would take as long as the rest of the page
        bars.append(f'<rect class="{css}" x="{slot * 6}" y="{y}" width="4" height="{height}" rx="1"/>')
    return Markup(
        '<svg class="beats" viewBox="0 0 {} 28" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(SLOTS * 6 - 2, beats_words(name, severities), Markup("".join(bars)))


def beats_words(name: str, severities: Iterable[str | None]) -> str:
    """What the bars say, for people who do not see them."""
    known = [str(s) for s in severities if s]
    down, slow = known.count("error"), known.count("warning")
    if not known:
        return _("%(name)s: not checked yet") % {"name": name}
    if not down and not slow:
        return _("%(name)s: up at every check") % {"name": name}
    parts = []
    if down:
        parts.append(ngettext("down at %(n)s check", "down at %(n)s checks", down) % {"n": down})
    if slow:
        parts.append(ngettext("in trouble at %(n)s check", "in trouble at %(n)s checks", slow) % {"n": slow})
    return _("%(name)s: %(what)s of %(all)s") % {"name": name, "what": ", ".join(parts), "all": len(known)}


def spark(figures: Sequence[float | None], label: str, tint: str = "") -> Markup:
    """A line of figures over time, gaps left out; no axis, the figure beside it says how much."""
    values = [value for value in figures if value is not None]
    if len(values) < 2:
        return Markup("")
    top = max(values) or 1
    width, height = 600, 32
    step = width / (len(values) - 1)
    points = "L".join(f"{i * step:.0f} {height - 2 - (v / top) * (height - 4):.1f}" for i, v in enumerate(values))
    return Markup(
        '<svg class="spark {}" viewBox="0 0 600 32" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="area" d="M{}L600 32L0 32Z"/><path d="M{}"/></svg>'
    ).format(tint, label, points, points)
