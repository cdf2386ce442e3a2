"""Settings of a plugin: one Struct, whose fields carry label, help and limits; form, checks, masks and docs follow.

class GotifySettings(Settings, kw_only=True, frozen=True):
    url: Annotated[str, setting("Server URL", pattern=r"^https?://")]
    token: Annotated[Secret, setting("App token")]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, Struct
from msgspec.inspect import type_info

MASK = "********"
URL_PATTERN = r"^https?://[^\s/?#]+[^\s?#]*$"
NEEDED = "This is needed"
AGAIN = "Enter this again: it was kept for another address or connection, and is sent nowhere else"
URL_HINT = "Check for a missing part, such as http://"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every plugin's settings."""


class Secret:
    """A credential: masked wherever it is printed, refused by JSON; `reveal()` gives it to the code that sends it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise ValueError("a secret is text")
        self._value = value

    def reveal(self) -> str:
        """The credential itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')" if self._value else "Secret('')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def setting(
    label: str,
    help: str = "",
    *,
    pattern: str | None = None,
    pattern_hint: str = "",
    min_length: int | None = None,
    ge: float | None = None,
    le: float | None = None,
    placeholder: str = "",
    advanced: bool = False,
    choices: Mapping[str, str] | None = None,
    dynamic: bool = False,
    leads: bool = False,
) -> Meta:
    """Describe one field.

    `choices` maps values to labels; `dynamic` asks the provider's `choices()` for them. `pattern_hint` says in a
    sentence what fits the pattern. `advanced` fields are folded away. `leads`: it says where the secrets are sent, or
    who can read them on the way, as every web address does by itself; a kept secret goes nowhere else.
    """
    limits: dict[str, Any] = {"pattern": pattern, "min_length": min_length, "ge": ge, "le": le}
    return Meta(
        title=label,
        description=help or None,
        extra={
            "placeholder": placeholder,
            "advanced": advanced,
            "choices": dict(choices or {}),
            "dynamic": dynamic,
            "pattern_hint": pattern_hint,
            "leads": leads,
        },
        **{name: limit for name, limit in limits.items() if limit is not None},
    )


class SettingField(Struct, frozen=True, kw_only=True):
    """What a form, the docs and the masking need to know of one setting."""

    name: str
    label: str
    help: str
    kind: str  # text, secret, url, integer, number, switch, list
    required: bool
    default: Any = None
    placeholder: str = ""
    advanced: bool = False
    choices: dict[str, str] = {}
    dynamic: bool = False
    pattern_hint: str = ""  # what fits, in a sentence
    leads: bool = False  # it says where the secrets are sent, or who can read them on the way


def _meta(annotation: Any) -> Meta:
    if get_origin(annotation) is Annotated:
        for extra in get_args(annotation)[1:]:
            if isinstance(extra, Meta):
                return extra
    return Meta(title=None, extra={})


def _wants_url(pattern: str | None) -> bool:
    return bool(pattern and re.match(r"\^?\(?http", pattern))


def _bare(annotation: Any) -> Any:
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    members = [a for a in get_args(bare) if a is not type(None)]
    return members[0] if len(members) == 1 and type(None) in get_args(bare) else bare


def _kind(annotation: Any, meta: Meta) -> str:
    bare = _bare(annotation)
    if bare is Secret:
        return "secret"
    if bare is bool:
        return "switch"
    if bare is int:
        return "integer"
    if bare is float:
        return "number"
    if get_origin(bare) in (tuple, list):
        return "list"
    return "url" if meta.pattern == URL_PATTERN else "text"


def fields(settings: type[Settings]) -> list[SettingField]:
    """The fields of a settings type, in the order they were written."""
    hints = get_type_hints(settings, include_extras=True)
    found = []
    for field in msgspec.structs.fields(settings):
        meta = _meta(hints[field.name])
        extra = meta.extra or {}
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        found.append(
            SettingField(
                name=field.name,
                label=meta.title or field.name.replace("_", " ").capitalize(),
                help=meta.description or "",
                kind=_kind(hints[field.name], meta),
                required=field.required,
                default=default,
                placeholder=extra.get("placeholder", ""),
                advanced=extra.get("advanced", False),
                choices=extra.get("choices", {}),
                dynamic=extra.get("dynamic", False),
                pattern_hint=extra.get("pattern_hint") or (URL_HINT if _wants_url(meta.pattern) else ""),
                leads=extra.get("leads", False),
            )
        )
    return found


def _dec_hook(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise NotImplementedError(f"settings cannot hold {kind!r}")


def _words(error: msgspec.ValidationError, field: SettingField) -> str:
    """Say a validation error the way a form does."""
    text = str(error)
    limit = re.search(r" (>=|<=) (-?[\d.]+)", text)
    bound = f" of at {'least' if limit[1] == '>=' else 'most'} {float(limit[2]):g}" if limit else ""
    if "matching regex" in text:
        return f"This does not look right. {field.pattern_hint}".strip()
    if "of length" in text:
        return f"This is too short: at least {limit[2]} characters" if limit and limit[2] != "1" else NEEDED
    if text.startswith("Invalid enum value"):
        return "Choose one of those offered"
    for start, said in {
        "Expected `int": f"Write a whole number{bound}",
        "Expected `float": f"Write a number{bound}",
        "Expected `bool": "Choose yes or no",
    }.items():
        if text.startswith(start):
            return said
    return text


S = TypeVar("S", bound=Settings)


class BadSettings(Exception):
    """Values that do not make valid settings: `errors` maps each field to what is wrong with it.

    Its text calls the fields what the form calls them, by `labels`.
    """

    def __init__(self, errors: dict[str, str], labels: Mapping[str, str] | None = None) -> None:
        labels = labels or {}
        super().__init__("; ".join(f"{labels.get(name, name)}: {text}" for name, text in errors.items()))
        self.errors = errors


def parse(settings: type[S], values: Mapping[str, Any], stored: S | None = None) -> S:
    """Make settings of loose values (a form's text, a file's entries, a database row).

    A secret that comes as its mask, or empty while one is stored, keeps the stored value, as long as it is sent where
    it was sent before; None takes an optional one away. Raises `BadSettings` with every field's error at once.
    """
    hints = get_type_hints(settings, include_extras=True)
    errors: dict[str, str] = {name: "There is no such setting" for name in values if name not in hints}
    good: dict[str, Any] = {}
    kept: list[str] = []
    for field in fields(settings):
        value = values.get(field.name, UNSET)
        if field.kind == "secret" and value is None and not field.required:
            continue
        if field.kind == "secret" and stored is not None and value in (MASK, "", UNSET):
            good[field.name] = getattr(stored, field.name)
            kept.append(field.name)
            continue
        if field.kind == "list" and isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str) and field.kind != "secret":
            value = value.strip()
        if value is UNSET or (value == "" and (not field.required or field.kind in ("integer", "number"))):
            if field.required:
                errors[field.name] = NEEDED
            continue
        if value == "" and field.required:
            errors[field.name] = NEEDED
            continue
        try:
            good[field.name] = msgspec.convert(value, hints[field.name], strict=False, dec_hook=_dec_hook)
        except msgspec.ValidationError as error:
            errors[field.name] = _words(error, field)
    if stored is not None and not errors and leads_elsewhere(settings(**good), stored):
        errors = {name: AGAIN for name in kept if good[name]}
    if errors:
        raise BadSettings(errors, {field.name: field.label for field in fields(settings)})
    return settings(**good)


def leads_elsewhere(new: Settings, old: Settings) -> bool:
    """Whether something is sent to another place than before."""
    for field in fields(type(new)):
        values = getattr(new, field.name), getattr(old, field.name)
        # whoever wrote the plugin may have forgotten to say so of an address
        led = field.leads or any(isinstance(value, str) and "://" in value for value in values)
        if led and _origin(values[0]) != _origin(values[1]):
            return True
    return False


def _origin(value: Any) -> Any:
    """Of an address, what decides who gets what is sent there."""
    return urlsplit(value)[:2] if isinstance(value, str) and "://" in value else value


def dump(settings: Settings, *, reveal: bool = False) -> dict[str, Any]:
    """The settings as plain values: secrets masked, or revealed for the one caller that encrypts them."""

    def enc_hook(value: Any) -> Any:
        if isinstance(value, Secret):
            return value.reveal() if reveal else (MASK if value else "")
        raise NotImplementedError(type(value))

    plain = msgspec.to_builtins(settings, enc_hook=enc_hook)
    assert isinstance(plain, dict)
    return plain


def _holds_secret(annotation: Any) -> bool:
    return annotation is Secret or any(_holds_secret(part) for part in get_args(annotation))


def check_settings_type(settings: type[Settings]) -> None:
    """Raise `TypeError` when a settings type cannot be shown as a form: called once, when its plugin is loaded."""
    type_info(settings)
    hints = get_type_hints(settings, include_extras=True)
    for field in fields(settings):
        bare = hints[field.name]
        bare = get_args(bare)[0] if get_origin(bare) is Annotated else bare
        if not _holds_secret(bare):
            continue
        if bare is not Secret or not (field.required or isinstance(field.default, Secret)):
            raise TypeError(
                f"`{field.name}` is a secret. Its type is Secret and nothing else, "
                'and an optional one ends in = Secret("").'
            )
