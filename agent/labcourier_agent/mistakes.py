"""Reading a configuration so that all its mistakes are found at once, each with its line."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from labcourier_agent.durations import in_seconds
from labcourier_agent.toml_lines import KeyLines, Place

T = TypeVar("T")


class ConfigMistakes(Exception):
    """`mistakes`: line and sentence, in the order of the lines."""

    def __init__(self, mistakes: list[tuple[int, str]]) -> None:
        super().__init__(mistakes)
        self.mistakes = sorted(mistakes)

    def sentence(self, file: object) -> str:
        number = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = [f"  line {line}: {sentence}" for line, sentence in self.mistakes]
        return "\n".join([f"{file} has {number}:", *lines])


class Section:
    """One table. What is wrong goes into `mistakes`, and a harmless value stands in; `finish` names unknown keys."""

    def __init__(
        self, values: Mapping[str, Any], place: Place, lines: KeyLines, mistakes: list[tuple[int, str]]
    ) -> None:
        self._values = values
        self._place = place
        self._lines = lines
        self._mistakes = mistakes
        self._asked: set[str] = set()

    def complain(self, key: str, sentence: str) -> None:
        self._mistakes.append((self._lines.line_of((*self._place, key)), f"{key}: {sentence}" if key else sentence))

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._values

    def text(self, key: str, default: str = "") -> str:
        return self._typed(key, str, default, "a text in quotes")

    def flag(self, key: str) -> bool:
        return self._typed(key, bool, False, "true or false")

    def whole(self, key: str, default: int, *, most: int) -> int:
        value = self._typed(key, int, default, "a whole number")
        if not 1 <= value <= most:
            self.complain(key, f"has to be from 1 to {most}.")
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._values.get(key, [])
        self._asked.add(key)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self.complain(key, 'has to be a list of texts, such as ["one", "two"].')
            return ()
        return tuple(value)

    def pairs(self, key: str) -> dict[str, str]:
        value = self._values.get(key, {})
        self._asked.add(key)
        if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
            self.complain(key, 'has to be pairs of texts, such as { voltage = "300 kV" }.')
            return {}
        return dict(value)

    def seconds(self, key: str, default: T) -> float | T:
        """A number of seconds, or a span such as "15m"."""
        value = self._values.get(key)
        self._asked.add(key)
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
        if isinstance(value, str):
            return self.parsed(key, in_seconds, default)
        self.complain(key, 'has to be seconds, or a span such as "15m".')
        return default

    def parsed(self, key: str, parse: Callable[[str], Any], default: T) -> Any | T:
        """What `parse` makes of the text; its ValueError is the mistake."""
        text = self.text(key)
        if key not in self._values or not isinstance(self._values[key], str):
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.complain(key, str(error))
            return default

    def one_of(self, key: str, choices: tuple[str, ...]) -> str:
        """The first is the default."""
        value = self.text(key, choices[0])
        if value not in choices:
            self.complain(key, f"“{value}” is not known: write {' or '.join(choices)}.")
            return choices[0]
        return value

    def section(self, key: str) -> Section:
        value = self._values.get(key, {})
        self._asked.add(key)
        if not isinstance(value, dict):
            self.complain(key, f"has to be a table: write [{key}] above its keys.")
            value = {}
        return Section(value, (*self._place, key), self._lines, self._mistakes)

    def sections(self, key: str) -> list[Section]:
        value = self._values.get(key, [])
        self._asked.add(key)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.complain(key, f"is written with two brackets, once for each: [[{key}]].")
            return []
        return [
            Section(entry, (*self._place, key, number), self._lines, self._mistakes)
            for number, entry in enumerate(value)
        ]

    def finish(self) -> None:
        for key in self._values.keys() - self._asked:
            near = difflib.get_close_matches(key, self._asked, n=1)
            known = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(self._asked))}."
            self.complain(key, f"nothing is called so here. {known}")

    def _typed(self, key: str, kind: type[T], default: T, words: str) -> T:
        value = self._values.get(key, default)
        self._asked.add(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.complain(key, f"has to be {words}.")
            return default
        return value


def read_toml(text: str) -> tuple[dict[str, Any], KeyLines]:
    """Errors: ConfigMistakes when it is no TOML."""
    try:
        return tomllib.loads(text), KeyLines(text)
    except tomllib.TOMLDecodeError as error:
        sentence, _, place = str(error).partition(" (at ")
        number = place.removeprefix("line ").partition(",")[0]
        line = int(number) if number.isdecimal() else text.count("\n") + 1
        raise ConfigMistakes([(line, f"This is no TOML: {sentence}.")]) from error
