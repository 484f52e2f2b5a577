"""Reads an object as a stream that goes on where a broken line left it."""

from collections.abc import Callable
from io import RawIOBase
from typing import Any, Protocol

from dataplane.errors import StoreTrouble
from portal.stores.s3_trouble import LINE_BROKE

_TRIES = 4


class Body(Protocol):
    def readinto(self, buffer: Any, /) -> int: ...
    def close(self) -> None: ...


Fetch = Callable[[int], Body]  # the object's bytes from there on; only of the version that was opened first


class ObjectReader(RawIOBase):
    """`fetch` is asked again behind the last byte that came, at most three times for each call that brings nothing."""

    def __init__(self, name: str, body: Body, start: int, fetch: Fetch) -> None:
        self._name, self._body, self._position, self._fetch = name, body, start, fetch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        for attempt in range(_TRIES):
            try:
                if attempt:
                    self._body = self._fetch(self._position)
                count = self._body.readinto(buffer)
            except LINE_BROKE:
                self._body.close()
                continue
            self._position += count
            return count
        raise StoreTrouble(f"The line to the store “{self._name}” breaks again and again. Try again later.")

    def close(self) -> None:
        self._body.close()
        super().close()
