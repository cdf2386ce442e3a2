"""Check what plugins hand over: their objects against the role Protocols, their answers against declared types."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, get_origin, get_type_hints

import msgspec

from ..api.roles import ABILITIES, ROLES

PROTOCOLS: dict[str, type] = {role.name: role.protocol for role in (*ROLES, *ABILITIES)}


class WrongAnswer(Exception):
    """A provider returned what its role does not declare."""


@functools.cache
def methods(protocol: type) -> dict[str, Any]:
    """The methods that a Protocol asks for, by name."""
    return {name: value for name, value in vars(protocol).items() if not name.startswith("_") and callable(value)}


def attributes(protocol: type) -> tuple[str, ...]:
    """The attributes that a Protocol asks for, by name."""
    return tuple(vars(protocol).get("__annotations__", ()))


@functools.cache
def declared(protocol: type, method: str) -> Any:
    """The declared return type of a Protocol's method; of an async iterator, the type of its items."""
    returned = get_type_hints(methods(protocol)[method], include_extras=True)["return"]
    return returned.__args__[0] if get_origin(returned) is AsyncIterator else returned


def conform(value: Any, kind: Any) -> Any:
    """The value as `kind`, every field checked. Raises `WrongAnswer` naming the first that lies.

    Structs do not check what they are made of, so the value is taken apart and put together again: 3 ms for 500
    library items. Equivalents become what was declared: a list a tuple, a text its enum member.
    """
    if kind is type(None) or kind is None:
        return None
    if getattr(kind, "_is_protocol", False):
        missing = [name for name in (*methods(kind), *attributes(kind)) if not hasattr(value, name)]
        if missing:
            raise WrongAnswer(f"a {type(value).__name__} is no {kind.__name__}: it lacks {', '.join(missing)}")
        return value
    try:
        return msgspec.convert(msgspec.to_builtins(value, builtin_types=(bytes, datetime)), kind)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise WrongAnswer(f"{type(value).__name__}: {error}") from error


def problems(provider: object, protocol: type) -> list[str]:
    """What keeps an object from filling a role, each as one line that names the method. Empty when it fits."""
    found = []
    name = type(provider).__name__
    for attribute in attributes(protocol):
        if not hasattr(provider, attribute):
            found.append(f"{name} has no attribute {attribute!r}, which {protocol.__name__} needs")
    for method, specimen in methods(protocol).items():
        mine = getattr(provider, method, None)
        if mine is None:
            found.append(f"{name} has no method {method}(), which {protocol.__name__} needs")
        elif not callable(mine):
            found.append(f"{name}.{method} is not a method")
        elif inspect.iscoroutinefunction(specimen) and not _is_async(mine):
            found.append(f"{name}.{method}() must be `async def`")
        elif not inspect.iscoroutinefunction(specimen) and _is_async(mine):
            found.append(f"{name}.{method}() must be an async generator")
        else:
            found += _arguments(name, method, mine, specimen)
    return found


def offers(provider: object, protocol: type) -> bool:
    """Whether an object has all the methods and attributes of an ability, well made or not."""
    return all(callable(getattr(provider, name, None)) for name in methods(protocol)) and all(
        hasattr(provider, name) for name in attributes(protocol)
    )


def _is_async(method: Any) -> bool:
    while isinstance(method, functools.partial):
        method = method.func
    return inspect.iscoroutinefunction(method) or inspect.iscoroutinefunction(getattr(method, "__call__", None))  # noqa: B004


def _arguments(name: str, method: str, mine: Any, specimen: Any) -> list[str]:
    wanted = list(inspect.signature(specimen).parameters)[1:]
    try:
        inspect.signature(mine).bind(*wanted)
    except TypeError:
        return [f"{name}.{method}() must take ({', '.join(wanted)})"]
    except ValueError:  # a builtin without a signature
        return []
    return []
