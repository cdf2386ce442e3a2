"""Figures and times as people read them: `43 %`, `6.4 MB/s`, `1 h 34 min`, `yesterday, 22:40`. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from .i18n import _, ngettext

NBSP = "\u00a0"
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size(value: float | None) -> str:
    """Bytes with the unit that suits them: `9.8 GB`. A dash when nobody knows."""
    if value is None:
        return "–"
    amount = float(value)
    for unit in _UNITS:
        if abs(amount) < 999.5 or unit == _UNITS[-1]:
            break
        amount /= 1000
    figure = f"{amount:.0f}" if unit in ("B", "kB") or amount >= 99.95 else f"{amount:.1f}".removesuffix(".0")
    return f"{figure}{NBSP}{unit}"


def speed(value: float | None) -> str:
    """Bytes per second: `6.4 MB/s`."""
    return "–" if value is None else f"{size(value)}/s"


def part(done: float, whole: float) -> str:
    """How much of how much, the unit once: `4.2 of 9.8 GB`."""
    left, right = size(done), size(whole)
    if left.split(NBSP)[-1] == right.split(NBSP)[-1]:
        left = left.split(NBSP)[0]
    return _("%(done)s of %(whole)s") % {"done": left, "whole": right}


def percent(value: float | None) -> str:
    """0 to 100 as `43 %`. Never 100 before it is."""
    if value is None:
        return "–"
    whole = int(value) if value < 100 else 100
    return f"{whole}{NBSP}%"


def duration(seconds: float | None) -> str:
    """A length of time: `1 h 34 min`, `14 min`, `40 s`, `3 days`."""
    if seconds is None:
        return "–"
    total = max(0, round(seconds))
    if total < 60:
        return f"{total}{NBSP}s"
    minutes = round(total / 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}{NBSP}h" + (f" {minutes}{NBSP}min" if minutes else "")
    days = round(total / 86400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def clock(seconds: float | None) -> str:
    """A place in a film: `0:32:14`, or `4:05` in the first hour."""
    total = max(0, int(seconds or 0))
    hours, rest = divmod(total, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def day(when: datetime, now: datetime, zone: tzinfo) -> str:
    """The day alone: today, yesterday, Friday, 3 March, 3 March 2024."""
    local, today = when.astimezone(zone), now.astimezone(zone)
    apart = (today.date() - local.date()).days
    if apart == 0:
        return _("today")
    if apart == 1:
        return _("yesterday")
    if 1 < apart < 7:
        return local.strftime("%A")
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local.strftime('%B')}{year}"


def moment(when: datetime | None, now: datetime, zone: tzinfo) -> str:
    """A moment in the viewer's zone: `20:14` today, `yesterday, 22:40`, else the date."""
    if when is None:
        return "–"
    local = when.astimezone(zone)
    time = f"{local:%H:%M}"
    apart = (now.astimezone(zone).date() - local.date()).days
    if apart == 0:
        return time
    if 0 < apart < 7:
        return f"{day(when, now, zone)}, {time}"
    return day(when, now, zone)


def ago(when: datetime | None, now: datetime) -> str:
    """How long ago: `now`, `2 min ago`, `3 days ago`."""
    if when is None:
        return _("never")
    gone = (now - when).total_seconds()
    if gone < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": duration(gone)}


def ready_at(seconds: float | None, now: datetime, zone: tzinfo) -> str:
    """The clock time that many seconds from now, rounded up to five minutes: a promise that can be kept."""
    if seconds is None:
        return ""
    local = (now + timedelta(seconds=seconds)).astimezone(zone)
    if seconds > 1200:
        local += timedelta(minutes=-local.minute % 5)
    return f"{local:%H:%M}"


def initials(name: str) -> str:
    """Two letters for a face that has no picture."""
    parts = name.split()
    letters = parts[0][:1] + parts[-1][:1] if len(parts) > 1 else name[:2]
    return letters.upper()


def runtime(minutes: int | None) -> str:
    """The length of a film: `1 h 34 min`; empty when unknown."""
    return duration(minutes * 60) if minutes else ""
