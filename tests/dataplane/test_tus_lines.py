"""Each line of the protocol that docs/design/tus.md lists has its test."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_every_test_that_the_table_names_exists() -> None:
    table = (CHECKOUT / "docs" / "design" / "tus.md").read_text()
    rows = [line for line in table.splitlines() if re.match(r"\| (M|S|L|Trailers) ?", line)]
    written = set()
    for path in (CHECKOUT / "tests").rglob("test_*.py"):
        written |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    named = {row: set(re.findall(r"`(test_\w+)`", row)) for row in rows}
    assert len(rows) > 45
    assert [row for row, names in named.items() if not names] == []
    assert set().union(*named.values()) - written == set()
