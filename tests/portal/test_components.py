import re
from typing import Any

import pytest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory

from portal.templatetags.components import breadcrumbs


def drawn(source: str, path: str = "/", **context: Any) -> str:
    request = RequestFactory().get(path)
    return Template("{% load components %}" + source).render(RequestContext(request, context))


def bar(arguments: str) -> tuple[int, str]:
    html = Template("{% load components %}{% progress_bar 'Verified' " + arguments + " %}").render(Context())
    value = re.search(r' value="(\d+)"', html)
    assert value
    return int(value[1]), html.replace("\u00a0", " ")


def test_a_bar_measures_bytes_and_names_both() -> None:
    value, html = bar("done=214 total=312 size=28100000000 size_total=41200000000 rate=86000000 seconds_left=152")
    assert value == 682
    assert "214 of 312 files · 28.1 GB of 41.2 GB" in html
    assert "86.0 MB/s · about 3 minutes left" in html


def test_a_bar_is_full_only_when_every_file_is_done() -> None:
    assert bar("done=311 total=312 size=1000 size_total=1000")[0] == 999
    assert bar("done=312 total=312 size=1000 size_total=1000")[0] == 1000


def test_empty_files_move_the_bar_by_their_number() -> None:
    assert bar("done=1 total=2 size=0 size_total=0")[0] == 500


def test_nothing_announced_is_an_empty_bar() -> None:
    assert bar("done=0 total=0")[0] == 0


def test_the_section_one_is_in_is_marked_in_the_navigation() -> None:
    link = "{% nav_link 'Projects' '/projects/' %}"
    assert 'aria-current="page"' in drawn(link, "/projects/")
    assert 'aria-current="true"' in drawn(link, "/projects/cryo-em/")
    assert "aria-current" not in drawn(link, "/staff/audit/")
    assert "aria-current" not in drawn("{% nav_link 'Home' '/' %}", "/projects/")


def test_breadcrumbs_end_with_this_page() -> None:
    html = breadcrumbs("Projects", "/projects/", "<b>Ours</b>")
    assert '<a href="/projects/">Projects</a>' in html
    assert 'aria-current="page">&lt;b&gt;Ours' in html


def test_breadcrumbs_without_this_page_are_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="ends with the label of this page"):
        breadcrumbs("Projects", "/projects/")


def test_turning_pages_keeps_the_filters() -> None:
    html = drawn("{% include 'components/pager.html' with newer='n1' older='o1' %}", "/?state=open&before=x")
    assert 'href="?state=open&amp;before=o1"' in html
    assert 'href="?state=open&amp;after=n1"' in html


def test_one_page_alone_has_no_pager() -> None:
    assert "<nav" not in drawn("{% include 'components/pager.html' %}")


def test_a_command_is_escaped_and_has_its_copy_button() -> None:
    html = drawn("{% include 'components/copy.html' with id='c' text=command %}", command='send "<a>"')
    assert "send &quot;&lt;a&gt;&quot;" in html
    assert 'data-copy="c"' in html
