"""Words of the pages: gettext from the first template on. English is the source language and needs no catalogue."""

from __future__ import annotations

from contextvars import ContextVar
from gettext import NullTranslations

_translations: ContextVar[NullTranslations] = ContextVar("translations", default=NullTranslations())  # noqa: B039


def gettext(text: str) -> str:
    """The text in the language of the page that is being made."""
    return _translations.get().gettext(text)


def ngettext(one: str, many: str, n: int) -> str:
    """The text for `n` things in the language of the page that is being made."""
    return _translations.get().ngettext(one, many, n)


def use(translations: NullTranslations) -> None:
    """Speak another language in this task from now on."""
    _translations.set(translations)


_ = gettext
