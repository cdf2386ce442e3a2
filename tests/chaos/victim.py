"""The process that is killed: a whole host, asking for one more film at each start. Prints `up` when it has.

python victim.py DATA_DIR CONFIG FILM_JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from vaderflix_core.api.models import ExternalIds, MediaKind
from vaderflix_core.config import load_config
from vaderflix_core.host import Host
from vaderflix_core.log import Redactor, configure_logging
from vaderflix_core.requests.service import AlreadyRequested


async def main(data_dir: str, config: str, film: str) -> None:
    configure_logging(Redactor())
    host = Host(load_config(Path(config), {}, {"data_dir": data_dir}))
    await host.start()
    people = await host.access.list_users()
    admin = people[0] if people else await host.access.create_user("mara", None, role="admin")
    wanted = json.loads(film)
    if wanted:
        try:
            await host.requests.create(
                admin,
                kind=MediaKind.MOVIE,
                ids=ExternalIds(tmdb=wanted["tmdb"]),
                title=wanted["title"],
                year=wanted["year"],
            )
        except AlreadyRequested:
            pass
    print("up", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
