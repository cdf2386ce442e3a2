"""What the pages of one's own account share: their frame and their forms."""

from __future__ import annotations

from typing import Any

from litestar.datastructures import FormMultiDict

from ...guards import IN_PERSON
from ...nav import you_rail
from ...page import Page, Req, page

OPT = {"permission": IN_PERSON}


def you_page(request: Req, template: str, /, *, status: int = 200, **context: Any) -> Page:
    """A page with the sections of the account beside it."""
    return page(request, template, status=status, sections=you_rail(request.url.path), **context)


def text(form: FormMultiDict, name: str) -> str:
    """A field of a form; empty when it was not sent, or as a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
