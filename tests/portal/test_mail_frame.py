from css_inline import CSSInliner
from django.template import engines
from django.template.loader import render_to_string

SITE = {"site_name": "Facility <Data>", "support_email": "help@facility.example"}
HTML = """{% extends "emails/base-body-html.html" %}
{% block preheader %}312 files, 41.2 GB{% endblock %}
{% block content %}
  <p>Your data are ready.</p>
  {% include "emails/parts/button.html" with url=url label="See your files" %}
  {% include "emails/parts/facts.html" %}
  {% include "emails/parts/command.html" with text="wget 'x'" %}
{% endblock %}
{% block why %}<p>You get this because Bob shared it with you.</p>{% endblock %}"""
TEXT = """{% extends "emails/base-body-text.txt" %}
{% block content %}{% autoescape off %}{% include "emails/parts/facts.txt" %}{% endautoescape %}{% endblock %}"""
CONTEXT = {**SITE, "url": "https://x.example/s/1", "facts": [("Files", "312 & more"), ("Until", "20 December")]}


def test_the_styles_of_a_mail_can_be_put_inline_and_dark_mode_stays() -> None:
    html = CSSInliner(keep_at_rules=True).inline(engines["django"].from_string(HTML).render(CONTEXT))
    button = html[html.index('<a href="https://x.example/s/1"') :].split(">")[0]
    assert "background" not in button
    assert "color: #ffffff" in button
    assert "prefers-color-scheme: dark" in html
    assert "<link" not in html
    assert "<img" not in html


def test_a_mail_says_why_it_came_and_whom_to_ask() -> None:
    html = engines["django"].from_string(HTML).render(CONTEXT)
    assert "You get this because Bob shared it with you." in html
    assert "mailto:help@facility.example" in html
    assert "Facility &lt;Data&gt;" in html


def test_the_text_of_a_mail_is_not_escaped() -> None:
    text = engines["django"].from_string(TEXT).render(CONTEXT)
    assert "Files:        312 & more\nUntil:        20 December" in text
    assert "Facility <Data>" in text


def test_facts_in_html_are_escaped() -> None:
    assert "312 &amp; more" in render_to_string("emails/parts/facts.html", CONTEXT)
