"""The kit's contract, over a real SMTP server on loopback that wants a password."""

from collections.abc import Iterator

import pytest

from vaderflix_core.testing import NotifierContract

from .conftest import Sink, accept_secret, mail_server


class TestEmail(NotifierContract):
    plugin = "email"
    faults = ()

    @pytest.fixture(autouse=True)
    def server(self, sink: Sink) -> Iterator[None]:
        with mail_server(sink, authenticator=accept_secret, auth_require_tls=False) as port:
            type(self).settings = {
                "host": "127.0.0.1",
                "port": port,
                "security": "none",
                "from_address": "home@house.example",
                "username": "home",
                "password": "open sesame",
            }
            yield
