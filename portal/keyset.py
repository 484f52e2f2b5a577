"""Pages of long lists, newest first, without COUNT and OFFSET: row ten million costs what row fifty does.

A cursor is the sort key of a row, in the address as ``?before=`` (older rows) or ``?after=`` (newer rows);
``components/pager.html`` writes the links.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from portal.errors import Invalid

Row = TypeVar("Row", bound=Model)
Key = tuple[Any, ...]
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first, and the cursors of the pages beside it; None where there is none."""

    rows: list[Row]
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """Descending by these columns, the last of which is unique; ``read`` turns one cursor part into its value."""

    columns: tuple[str, ...]
    read: tuple[Any, ...]

    def cursor(self, row: Model) -> str:
        return "_".join(_written(getattr(row, column)) for column in self.columns)

    def key(self, cursor: str) -> Key:
        """Raises Invalid for a cursor that none of our pages wrote."""
        parts = cursor.split("_")
        try:
            return tuple(read(part) for read, part in zip(self.read, parts, strict=True))
        except (ValueError, OverflowError):
            raise Invalid("The address names no place in this list. Open the list from its beginning.") from None


def _written(value: object) -> str:
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ") if isinstance(value, datetime) else str(value)


def _read_moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def _read_number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


BY_NUMBER = Order(("pk",), (_read_number,))
BY_CREATION = Order(("created_at", "pk"), (_read_moment, UUID))


def newest_first(
    rows: QuerySet[Row], query: Mapping[str, str], order: Order = BY_NUMBER, size: int = PAGE_SIZE
) -> Page[Row]:
    """The page that ``?before=`` or ``?after=`` of the address asks for. One query; raises Invalid for a bad cursor."""
    if after := query.get("after"):
        ascending = rows.filter(_beyond(order, order.key(after), ">")).order_by(*order.columns)
        found = list(ascending[: size + 1])
        return _page(order, found[:size][::-1], newer=len(found) > size, older=True)
    if before := query.get("before"):
        rows = rows.filter(_beyond(order, order.key(before), "<"))
    found = list(rows.order_by(*(f"-{column}" for column in order.columns))[: size + 1])
    return _page(order, found[:size], newer=bool(query.get("before")), older=len(found) > size)


def _beyond(order: Order, key: Key, side: str) -> Q:
    """``(a, b) < (x, y)`` written so that an index on ``a`` bounds the search."""
    word = {"<": "lt", ">": "gt"}[side]
    first, *rest = zip(order.columns, key, strict=True)
    beyond = Q(**{f"{first[0]}__{word}": first[1]})
    if not rest:
        return beyond
    bound = Q(**{f"{first[0]}__{word}e": first[1]})
    (column, value), *_ = rest
    return bound & (beyond | Q(**{f"{column}__{word}": value}))


def _page(order: Order, rows: Sequence[Row], *, newer: bool, older: bool) -> Page[Row]:
    return Page(
        list(rows),
        order.cursor(rows[0]) if rows and newer else None,
        order.cursor(rows[-1]) if rows and older else None,
    )
