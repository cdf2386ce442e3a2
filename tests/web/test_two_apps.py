"""One process can make the application twice, also after its API has described itself: tests do, and so do tools."""

from __future__ import annotations

import pytest

from vaderflix_core.config import load_config
from vaderflix_core.host import Host
from vaderflix_web.app import create_app

pytestmark = pytest.mark.anyio


async def test_a_second_application_can_be_made_after_the_first_was_described(tmp_path):
    for name in ("one", "two"):
        host = Host(load_config(None, {}, {"data_dir": tmp_path / name}), entry_points=[])
        try:
            assert create_app(host, manage_host=False).openapi_schema.to_schema()["paths"]
        finally:
            await host.stop()
