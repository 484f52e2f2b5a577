"""Which files of a folder are meant: globs, and what becomes of links."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

# Names that differ only in case are one name there.
IGNORES_CASE = sys.platform == "win32"


class Links(StrEnum):
    """`files`: links to files are sent as what they lead to. `all`: links to folders are entered too, but for loops."""

    SKIP = "skip"
    FILES = "files"
    ALL = "all"


@dataclass(frozen=True)
class Filters:
    """Globs over paths relative to the folder, with `/`. Without `include` everything is taken; `exclude` wins.

    `*.tmp` is a name at any depth, of a file or of a folder with all it holds; a glob with a `/` inside is a path from
    the top; `name/` is a folder; `*` and `?` stay within a name, `**` is any number of folders, `[ab]` one of these
    characters. `\\` is read as `/`.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignore_case: bool = IGNORES_CASE

    def __post_init__(self) -> None:
        object.__setattr__(self, "_included", _compile(self.include, ignore_case=self.ignore_case))
        object.__setattr__(self, "_excluded", _compile(self.exclude, ignore_case=self.ignore_case))

    def takes(self, path: str) -> bool:
        excluded: re.Pattern[str] | None = self.__dict__["_excluded"]
        included: re.Pattern[str] | None = self.__dict__["_included"]
        if excluded is not None and excluded.fullmatch(path):
            return False
        return included is None or included.fullmatch(path) is not None

    def enters(self, folder: str) -> bool:
        excluded: re.Pattern[str] | None = self.__dict__["_excluded"]
        return excluded is None or excluded.fullmatch(folder + "/") is None


def regex_of(glob: str) -> str:
    """Errors: ValueError with a sentence for a glob that cannot match anything."""
    text = glob.replace("\\", "/")
    body = text.strip("/")
    if not body:
        raise ValueError(f"“{glob}” names nothing: write a glob such as *.tmp or raw/**.")
    anywhere = "/" not in body and not text.startswith("/")
    end = "/.*" if text.endswith("/") else "(?:/.*)?"
    return ("(?:.*/)?" if anywhere else "") + "".join(_translate(body)) + end


def _compile(globs: Sequence[str], *, ignore_case: bool) -> re.Pattern[str] | None:
    if not globs:
        return None
    return re.compile("|".join(map(regex_of, globs)), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


# In this order: the longest first.
WORDS = (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]"))


def _translate(body: str) -> Iterator[str]:
    position = 0
    while position < len(body):
        choice = re.compile(r"\[(!?)(\]?[^\]/]*)\]").match(body, position)
        word = next((pair for pair in WORDS if body.startswith(pair[0], position)), None)
        if choice and choice[2]:
            characters = re.sub(r"([\\^\[\]&~|])", r"\\\1", choice[2])
            yield f"(?!/)[{'^' if choice[1] else ''}{characters}]"
            position = choice.end()
        elif word:
            yield word[1]
            position += len(word[0])
        else:
            yield re.escape(body[position])
            position += 1
