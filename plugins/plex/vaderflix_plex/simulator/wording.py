"""How the server words refusals, and what it says when it has nothing to say."""

from __future__ import annotations

from http import HTTPStatus

from vaderflix_core.testing import Refusal


def page(status: int) -> bytes:
    """An error page as the server makes it."""
    phrase = HTTPStatus(status).phrase
    title = f"<html><head><title>{phrase}</title></head>"
    return f"{title}<body><h1>{status} {phrase}</h1></body></html>".encode()


class PlexWording:
    """The wording of faults."""

    def refusal(self, status: int) -> Refusal:
        """The server's own error page."""
        return Refusal(status=status, content_type="text/html", body=page(status))

    def empty(self, method: str, path: str) -> Refusal:
        """A container that holds nothing and counts nothing; of plex.tv an empty list, or an empty document."""
        if path.startswith("/plex.tv/api/v2/"):
            plural = path.endswith(("resources", "accepted", "pending"))
            return Refusal(status=200, content_type="application/json", body=b"[]" if plural else b"{}")
        if path.startswith("/plex.tv/"):
            body = b'<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer size="0" />'
            return Refusal(status=200, content_type="application/xml", body=body)
        return Refusal(status=200, content_type="application/json", body=b'{"MediaContainer":{"size":0}}')
