"""No secret reaches a log, whichever way it comes."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from vaderflix_core.log import Redactor, configure_logging

SECRET = "s3cr3t/wörd"


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def written(restored: None, request: pytest.FixtureRequest) -> io.StringIO:
    stream = io.StringIO()
    redactor = Redactor()
    redactor.add(SECRET)
    configure_logging(redactor, level="info", format=getattr(request, "param", "json"), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_json_says_when_how_bad_who_and_what(written: io.StringIO) -> None:
    structlog.get_logger("vaderflix.test").warning("instance is down", instance="one", tries=3)
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "instance is down",
        "level": "warning",
        "logger": "vaderflix.test",
        "instance": "one",
        "tries": 3,
    }


def test_loggers_of_libraries_come_out_the_same_way(written: io.StringIO) -> None:
    logging.getLogger("library").error("cannot reach %s", f"http://u:p@host/?q={SECRET}", extra={"api_key": "abc"})
    (line,) = lines(written)
    assert line["event"] == "cannot reach http://***@host/?q=***"
    assert line["api_key"] == "***"


@pytest.mark.parametrize("written", ["json", "console"], indirect=True)
def test_known_secrets_are_replaced_wherever_they_stand(written: io.StringIO) -> None:
    log = structlog.get_logger()

    class Holder:
        def __repr__(self) -> str:
            return f"Holder({SECRET})"

    log.info(f"got {SECRET}", value=SECRET, nested={"a": [SECRET]}, holder=Holder(), url="http://x/s3cr3t%2Fw%C3%B6rd")
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed")
    text = written.getvalue()
    assert "failed" in text
    assert "ValueError" in text
    for form in (SECRET, "s3cr3t%2Fw%C3%B6rd", json.dumps(SECRET)[1:-1]):
        assert form not in text


def test_values_under_telling_names_are_masked(written: io.StringIO) -> None:
    structlog.get_logger().info(
        "x",
        password="a1",
        api_key="a2",
        apiKey="a3",
        Authorization="a4",
        headers={"Cookie": "a5"},
        token=None,
        name="b",
    )
    (line,) = lines(written)
    assert not {"a1", "a2", "a3", "a4", "a5"} & set(str(line).replace("'", " ").split())
    assert (line["name"], line["token"]) == ("b", None)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET http://h/a?apikey=abc123&x=1", "GET http://h/a?apikey=***&x=1"),
        ("GET http://h/a?x=1&X-Some-Token=abc#f", "GET http://h/a?x=1&X-Some-Token=***#f"),
        ("postgresql://u:pw@db/x", "postgresql://***@db/x"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("550 blocked: https://h/x/reset/Ab-c_1.23456789~def, sorry", "550 blocked: https://h/x/reset/***, sorry"),
        ("https://h/INVITE/abcdefghijklmnop", "https://h/INVITE/***"),
        ("/email/abcdefghijklmnopq", "/email/***"),
        ("see /invite/new and /email/settings", "see /invite/new and /email/settings"),
        ("a plain sentence, mail a@b.c", "a plain sentence, mail a@b.c"),
    ],
)
def test_credentials_in_addresses_and_headers_are_masked(text: str, clean: str) -> None:
    assert Redactor().clean(text) == clean


def test_short_values_are_not_hidden_since_they_would_blot_out_ordinary_words() -> None:
    redactor = Redactor()
    redactor.add("the")
    redactor.add("")
    assert redactor.clean("the house") == "the house"


def test_the_longer_of_two_secrets_is_replaced_whole() -> None:
    redactor = Redactor()
    redactor.add("hunter")
    redactor.add("hunter22")
    assert redactor.clean("hunter22 hunter") == "*** ***"


def test_lower_levels_are_left_out(written: io.StringIO) -> None:
    structlog.get_logger().debug("x")
    logging.getLogger("httpx").info("HTTP Request: GET http://h/secret-path")
    assert written.getvalue() == ""


def test_the_migrations_of_the_first_start_do_not_speak_of_themselves(written: io.StringIO) -> None:
    for name in ("alembic.runtime.plugins", "alembic.runtime.migration"):
        logging.getLogger(name).info("setup plugin")
        logging.getLogger(name).warning("a trouble")
    assert "setup plugin" not in written.getvalue()
    assert written.getvalue().count("a trouble") == 2
