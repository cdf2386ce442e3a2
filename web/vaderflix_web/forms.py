"""The form of a plugin's settings, made from its Struct: labels, help, limits, masks, choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar.datastructures import FormMultiDict
from msgspec import Struct

from vaderflix_core.api import Choice
from vaderflix_core.api.settings import SettingField, Settings, fields

from .i18n import _

PREFIX = "s."
REMOVE = "remove."


class FieldView(Struct, frozen=True, kw_only=True):
    """One field as the form shows it. A secret's value never leaves the server: `stored` says that there is one."""

    name: str
    label: str
    kind: str
    value: str = ""
    checked: bool = False
    stored: bool = False
    removed: bool = False
    help: str = ""
    error: str = ""
    required: bool = False
    placeholder: str = ""
    options: tuple[tuple[str, str], ...] = ()
    dynamic: bool = False
    advanced: bool = False

    @property
    def field_name(self) -> str:
        """The name of the input."""
        return PREFIX + self.name

    @property
    def remove_name(self) -> str:
        """The name of the box that takes a stored secret away."""
        return REMOVE + self.name


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return str(value)


def view_of(
    field: SettingField,
    value: Any,
    *,
    stored: bool = False,
    error: str = "",
    choices: list[Choice] | None = None,
) -> FieldView:
    """One field with its value; `choices` are those that the service offered."""
    options = tuple(field.choices.items())
    if choices:
        options = tuple((c.value, c.label) for c in choices)
    text = "" if field.kind == "secret" else _text(value)
    if options and text and text not in dict(options):
        options = ((text, _("%(value)s (not offered any more)") % {"value": text}), *options)
    # a list of the plugin's own with a default needs no empty line: the default is one of its lines
    chosen = bool(field.choices and field.default)
    if options and not field.required and not chosen and "" not in dict(options):
        options = (("", _("As the service decides")), *options)
    return FieldView(
        name=field.name,
        label=field.label,
        kind=field.kind,
        value=text,
        checked=value is True or str(value).lower() in ("true", "1", "on"),
        stored=stored and field.kind == "secret",
        removed=stored and field.kind == "secret" and value is None,
        help=field.help,
        error=error,
        required=field.required,
        placeholder=field.placeholder,
        options=options,
        dynamic=field.dynamic,
        advanced=field.advanced,
    )


def views(
    settings: type[Settings],
    values: Mapping[str, Any],
    *,
    stored: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    choices: Mapping[str, list[Choice]] | None = None,
) -> list[FieldView]:
    """All fields of a settings type. `stored` are the saved values, of which only their presence is used."""
    stored, errors, choices = stored or {}, errors or {}, choices or {}
    return [
        view_of(
            field,
            values.get(field.name, field.default),
            stored=bool(stored.get(field.name)),
            error=errors.get(field.name, ""),
            choices=choices.get(field.name),
        )
        for field in fields(settings)
    ]


def values_of(settings: type[Settings], form: FormMultiDict) -> dict[str, str | None]:
    """What the form holds for each setting, as text; a switch that was not sent is off, a removed secret is None."""
    found: dict[str, str | None] = {}
    for field in fields(settings):
        value = form.get(PREFIX + field.name)
        if field.kind == "switch":
            found[field.name] = "true" if value else "false"
        elif not value and form.get(REMOVE + field.name):
            found[field.name] = None
        elif isinstance(value, str):
            found[field.name] = value
    return found
