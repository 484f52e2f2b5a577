import pytest

from portal.templatetags.quantities import counted, duration_text, filesize_si, size_text, thin


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (9_999_999, "10.0 MB"),
        (41_234_567_890, "41.2 GB"),
        (99_960_000_000, "100 GB"),
        (2 * 10**21, "2000 EB"),
    ],
)
def test_sizes_are_decimal_with_three_figures(number: int, words: str) -> None:
    assert size_text(number).replace("\u00a0", " ") == words


def test_a_size_on_a_page_keeps_its_exact_bytes() -> None:
    shown = filesize_si(41_234_567_890)
    assert 'value="41234567890"' in shown
    assert 'title="41\u202f234\u202f567\u202f890 bytes"' in shown


def test_counts_have_thin_spaces_between_thousands() -> None:
    assert (thin(7), thin(1_234_567)) == ("7", "1\u202f234\u202f567")


def test_one_thing_is_singular() -> None:
    assert counted(1, "file,files") == "1\u00a0file"
    assert counted(0, "file,files") == "0\u00a0files"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (152, "about 3 minutes"),
        (3600, "about 1 hour"),
        (5 * 86_400, "about 5 days"),
    ],
)
def test_durations_are_rough(seconds: float, words: str) -> None:
    assert duration_text(seconds) == words
