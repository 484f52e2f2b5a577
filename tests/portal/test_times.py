import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import timezone

from portal.templatetags.times import relative_text

NOW = datetime(2026, 11, 20, 21, 20, 37, tzinfo=UTC)


def shown(moment: datetime | None, style: str = "both") -> str:
    template = Template("{% load times %}{% when moment style %}")
    return template.render(Context({"moment": moment, "style": style, "now": NOW}))


def test_a_moment_is_absolute_and_relative() -> None:
    html = shown(NOW - timedelta(hours=3))
    assert 'datetime="2026-11-20T18:20:37Z"' in html
    assert ">20 Nov 2026, 18:20 UTC<" in html
    assert ">3 hours ago<" in html


def test_the_browser_finds_the_zone_of_people_who_have_set_none() -> None:
    assert 'data-zone="browser"' in shown(NOW)


def test_a_zone_somebody_has_set_is_used_and_left_alone_by_the_browser() -> None:
    with timezone.override(zoneinfo.ZoneInfo("Asia/Tokyo")):
        html = shown(NOW)
    assert 'data-zone="person"' in html
    assert ">21 Nov 2026, 06:20<" in html


def test_an_end_is_told_with_its_weekday() -> None:
    html = shown(NOW + timedelta(days=29, hours=5), "day")
    assert ">Sunday 20 December 2026<" in html
    assert ">in 29 days<" in html


def test_what_never_happened_says_so() -> None:
    assert ">never<" in shown(None)


def test_an_unknown_style_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TemplateSyntaxError, match="both, ago, at, day"):
        shown(NOW, "pretty")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (5, "in less than a minute"),
        (-60, "1 minute ago"),
        (-3 * 3600, "3 hours ago"),
        (2 * 86_400 - 1, "in 1 day"),
    ],
)
def test_relative_times_are_never_rounded_up(seconds: float, words: str) -> None:
    assert relative_text(seconds) == words
