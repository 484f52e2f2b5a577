import re
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.utils.encoding import force_str

from portal.templatetags.states import STATES, state_badge, state_word

ROOMS = {"portal", "uploads", "sharing", "reminders", "keeping", "delivery"}
LISTED = {
    line.strip()
    for line in Path(settings.BASE_DIR, "assets/icons.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
}


def test_every_state_a_row_can_have_has_a_word_an_icon_and_a_tone() -> None:
    found = {
        force_str(value)
        for model in apps.get_models()
        if model._meta.app_label in ROOMS
        for field in model._meta.fields
        if field.name == "state"
        for value, _ in field.flatchoices
    }
    assert found
    assert found <= STATES.keys()


def test_a_badge_is_told_by_its_word_not_by_colour_alone() -> None:
    assert state_badge("purged").endswith("</svg>deleted</span>")


def test_a_state_nobody_knows_shows_its_own_name() -> None:
    assert "half_done" not in state_badge("half_done")
    assert state_word("half_done") == "half done"


def test_the_sprite_holds_exactly_the_icons_that_pages_use() -> None:
    used = {state.icon for state in STATES.values()} | {"question-circle"}
    for template in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        text = template.read_text()
        used |= set(re.findall(r'{% icon "([\w-]+)"', text)) | set(
            re.findall(r'symbol(?:=|\|default:)"([\w-]+)"', text)
        )
    assert used - {"labcourier"} == LISTED
