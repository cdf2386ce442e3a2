"""How long a search takes in a library of 50,000 titles: `python tests/bench/bench_search.py [titles]`."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vaderflix_core.api import ExternalIds, LibraryItem, MediaKind
from vaderflix_core.search.matching import parse
from vaderflix_core.store import library
from vaderflix_core.store.database import Database
from vaderflix_core.store.library_search import refresh_statistics
from vaderflix_core.store.migrate import migrate
from vaderflix_core.testing.servers import postgres

COMMON = str.split(
    "the of a and in to man night love day life house dead girl king last world blood time black dark great star city "
    "war little american secret story red lost heart road home island return big wild white woman death party dream"
)
REAL = ["His Girl Friday", "D.O.A.", "Amélie", "Metropolis", "Nosferatu", "Night of the Living Dead", "Spider-Man"]


def make_items(count: int, seed: int = 7) -> list[LibraryItem]:
    """Titles whose words are spread as in natural language: few are in very many, most are in one."""
    rng = random.Random(seed)
    onsets = ["b", "br", "c", "ch", "d", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v"]
    endings = ["a", "an", "ar", "e", "el", "en", "er", "i", "in", "is", "o", "on", "or", "os", "u", "um", "y"]
    rare = sorted(
        {"".join(rng.choice(onsets) + rng.choice(endings) for _ in range(rng.randint(2, 4))) for _ in range(40_000)}
    )
    start = datetime(2015, 1, 1, tzinfo=UTC)
    items = []
    for number in range(count):
        picked = [
            rng.choice(COMMON[: rng.choice((4, 12, 44))])
            if rng.random() < 0.55
            else rare[int(len(rare) * rng.random() ** 2)]
            for _ in range(rng.choice((1, 2, 2, 3, 3, 3, 4, 5)))
        ]
        title = REAL[number] if number < len(REAL) else " ".join(picked).title()
        other = " ".join(rng.choice(rare) for _ in range(2)).title()
        items.append(
            LibraryItem(
                kind=MediaKind.SERIES if number % 5 == 4 else MediaKind.MOVIE,
                key=str(number),
                title=title,
                original_title=other if number % 4 == 0 else "",
                year=rng.randint(1920, 2026),
                ids=ExternalIds(tmdb=number + 1, imdb=f"tt{number:07d}"),
                overview="A story of some length that is stored beside the title. " * 4,
                added_at=start + timedelta(minutes=number),
            )
        )
    return items


def queries(items: list[LibraryItem], seed: int = 3) -> dict[str, list[str]]:
    """Each kind of query, several times."""
    rng = random.Random(seed)
    titles = [item.title for item in items]

    def typo(title: str) -> str:
        at = rng.randrange(1, max(2, len(title) - 1))
        return title[:at] + title[at : at + 2][::-1] + title[at + 2 :]

    picked = [rng.choice(titles) for _ in range(150)]
    return {
        "one letter": [*"abcdefghijklmnopqrstuvwxyz", "the", "of", "the m"],
        "growing": [title[:n] for title in picked[:25] for n in range(1, len(title) + 1)],
        "two words": [" ".join(w[:4] for w in t.lower().split()[-2:][::-1]) for t in picked],
        "common words": [f"{a} {b}" for a in COMMON[:12] for b in COMMON[:12]],
        "typing error": [typo(title) for title in picked],
        "with year": [f"{item.title} {item.year}" for item in rng.sample(items, 100)],
        "nothing": ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(8)) for _ in range(100)],
        "real": ["his girl firday", "doa", "amelie", "metroplis", "nosfaretu", "spiderman", "livng dead"],
    }


async def measure(url: str, items: list[LibraryItem]) -> None:
    """Print p50, p95 and the longest time of each kind of query, in milliseconds."""
    db = Database(url)

    migrate(db)
    started = time.perf_counter()
    for at in range(0, len(items), 500):
        await db.write(lambda conn, at=at: library.upsert(conn, "one", items[at : at + 500], 1))
    await db.write(refresh_statistics)  # as a sweep does
    print(f"{db.dialect}: {len(items)} titles written in {time.perf_counter() - started:.1f} s")
    started = time.perf_counter()
    for at in range(0, len(items), 500):
        await db.write(lambda conn, at=at: library.upsert(conn, "one", items[at : at + 500], 2))
    print(f"  written again, unchanged, in {time.perf_counter() - started:.1f} s")
    if db.path:
        print(f"  file {db.path.stat().st_size / 1e6:.0f} MB")
    everything = []
    for name, texts in queries(items).items():
        times = []
        for query in texts:
            started = time.perf_counter()
            await db.read(lambda conn, query=query: library.search(conn, parse(query), None, 20))
            times.append((time.perf_counter() - started) * 1000)
        everything += times
        report(name, times)
    report("all", everything)
    db.dispose()


def report(name: str, times: list[float]) -> None:
    """One line."""
    cuts = statistics.quantiles(times, n=20)
    print(f"  {name:14} n={len(times):4}  p50 {cuts[9]:6.1f}  p95 {cuts[18]:6.1f}  max {max(times):6.1f} ms")


def main() -> None:
    """Both databases, one after the other."""
    items = make_items(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(f"sqlite:///{folder}/library.db", items))
        with postgres(Path(folder)) as url:
            asyncio.run(measure(url, items))


if __name__ == "__main__":
    main()
