"""Forms as browsers send them: small, and only text.

The framework's own parser remembers the last thousand bodies, passwords and all, and takes any number of fields; here a
form lives as long as its call.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

MAX_FORM = 64 * 1024  # bytes
MAX_FIELDS = 1000
KEPT = "sent_form"  # of the scope: what looks for a form's token is not what reads the rest


class Sent(Request[Any, Any, Any]):
    """A call whose form is read with care."""

    async def form(self) -> FormMultiDict:
        """The fields that are text; a file is none. Raises `RequestEntityTooLarge` or `ClientException`."""
        state = self.scope["state"]
        if KEPT not in state:
            state[KEPT] = await self._read()
        form: FormMultiDict = state[KEPT]
        return form

    async def _read(self) -> FormMultiDict:
        kind, _options = self.content_type
        if kind not in (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART):
            return FormMultiDict()
        body = await self.body()
        if len(body) > MAX_FORM:
            raise RequestEntityTooLarge
        if kind == RequestEncodingType.MULTI_PART:
            fields = (await super().form()).multi_items()
            return FormMultiDict([(name, value) for name, value in fields if isinstance(value, str)])
        try:
            text = body.decode("utf-8", "replace")
            return FormMultiDict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError as error:
            raise ClientException("too many fields") from error
