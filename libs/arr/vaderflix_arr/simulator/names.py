"""Names as the products derive them from a title: folders, sort titles, clean titles, release names."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from vaderflix_core.testing import Title

from .http import Row


def ascii_only(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def clean_title(title: str) -> str:
    """The title as a key: articles inside it are left out, and all but letters and digits."""
    inner = re.sub(r"(?<=\s)(a|an|the|and|or|of)(?=\s)", "", title, flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]", "", ascii_only(inner).lower())


def sort_title(title: str) -> str:
    """Lower case, without a leading article and without punctuation."""
    bare = re.sub(r"^(the|a|an)\s+", "", title.lower())
    return " ".join(re.sub(r"[^\w\s]", "", bare).split())


def folder_name(title: str) -> str:
    """The title without what file systems refuse."""
    return re.sub(r'[<>"/\\|?*]', "", title.replace(":", " -")).strip(" .")


def scene_name(title: str) -> str:
    """The title as releases write it: Night.of.the.Living.Dead."""
    return ".".join(re.sub(r"[^A-Za-z0-9 ]", "", ascii_only(title)).split())


def scene_of(grab: Row) -> str:
    """The scene name that a file keeps of its grab; none when a person chose the file."""
    return "" if grab.get("byHand") else str(grab["name"])


def matches(title: Title, term: str) -> bool:
    """Whether a free-text lookup finds a title: every word begins one of its words."""
    words = re.findall(r"\w+", ascii_only(title.title).lower())
    asked = re.findall(r"\w+", ascii_only(term).lower())
    asked = [word for word in asked if word != str(title.year)] or asked
    return bool(asked) and all(any(word.startswith(part) for word in words) for part in asked)


def by_id(title: Title, term: str) -> bool | None:
    """Whether a lookup by id, e.g. "tmdb:653" or "imdb:tt0013442", means a title; None when the term is no id."""
    found = re.match(r"(tmdb|tvdb|imdb)(?:id)?:\s*(\S+)$", term.strip(), re.IGNORECASE)
    if not found:
        return None
    return str(getattr(title.ids, found[1].lower()) or "") == found[2]


def file_row(file: Path, name: str, group: str, quality: Row, dated: str, size: int) -> Row:
    """What both products store of a file."""
    return {
        "path": str(file),
        "size": size,
        "dateAdded": dated,
        "sceneName": name,
        "releaseGroup": group,
        "quality": quality,
        "codec": "x264" if "x264" in name else "h264",
    }
