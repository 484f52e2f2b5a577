"""Every page of a facility in the middle of its work, looked at wide and narrow, light and dark."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import SignIn, require_usable
from tests.browser.running_portal import Facility

IN_DOCUMENTS = ["project", "dataset", "landing", "audit"]
REFUSED = "Failed to load resource"  # what the console says of a page that is refused on purpose

PAGES = {
    "log-in": (None, "/accounts/login/"),
    "password-forgotten": (None, "/accounts/password/reset/"),
    "password-change": ("alice", "/accounts/password/change/"),
    "access-tokens": ("alice", "/access-tokens/"),
    "access-tokens-none": ("bob", "/access-tokens/"),
    "access-token-revoke": ("alice", "/access-tokens/1/revoke"),
    "home": ("alice", "/"),
    "home-of-staff": ("sam", "/"),
    "home-of-a-stranger": ("charlie", "/"),
    "projects": ("sam", "/projects/"),
    "project": ("alice", "/projects/cryo-em/"),
    "project-as-viewer": ("vera", "/projects/cryo-em/"),
    "project-empty": ("alice", "/projects/x-ray/"),
    "project-nothing-found": ("alice", "/projects/cryo-em/?q=nowhere"),
    "project-instruments": ("alice", "/projects/cryo-em/instruments/"),
    "instrument-add": ("alice", "/projects/cryo-em/instruments/add"),
    "instrument": ("alice", "/projects/cryo-em/instruments/krios-2/"),
    "instrument-as-viewer": ("vera", "/projects/cryo-em/instruments/glacios/"),
    "instrument-asks": ("alice", "/projects/cryo-em/instruments/krios-2/metadata"),
    "people": ("alice", "/projects/cryo-em/people/"),
    "people-as-operator": ("bob", "/projects/cryo-em/people/"),
    "settings": ("alice", "/projects/cryo-em/settings/"),
    "reminders": ("alice", "/projects/cryo-em/reminders/"),
    "upload-tokens": ("alice", "/projects/cryo-em/upload-tokens/"),
    "upload-tokens-none": ("alice", "/projects/x-ray/upload-tokens/"),
    "project-agents-none": ("alice", "/projects/cryo-em/agents/"),
    "upload-token-renew": ("alice", "/projects/cryo-em/upload-tokens/1/renew"),
    "upload-token-new": ("alice", "/projects/cryo-em/upload-tokens/new"),
    "dataset": ("alice", "{shared}"),
    "dataset-as-viewer": ("vera", "{shared}"),
    "dataset-receiving": ("alice", "{receiving}"),
    "dataset-stalled": ("alice", "{stalled}"),
    "dataset-verifying": ("alice", "{verifying}"),
    "dataset-corrupt": ("alice", "{corrupt}"),
    "dataset-expired": ("alice", "{expired}"),
    "dataset-many-files": ("alice", "{huge}?folder=slices/04"),
    "dataset-files-found": ("alice", "{shared}?q=mdoc"),
    "dataset-choose": ("vera", "{shared}choose"),
    "dataset-selection": ("vera", "{shared}selection?in=Position_01"),
    "dataset-edit": ("alice", "{shared}edit"),
    "dataset-timeline": ("alice", "{shared}timeline"),
    "dataset-versions": ("alice", "{receiving}versions"),
    "dataset-versions-none": ("vera", "{shared}versions"),
    "dataset-upload": ("bob", "{receiving}upload"),
    "dataset-from-visitor": ("alice", "{from_visitor}"),
    "upload": ("bob", "/projects/cryo-em/upload"),
    "upload-with-questions": ("bob", "/projects/cryo-em/upload?instrument=krios-2"),
    "dataset-push-live": ("alice", "{receiving}push"),
    "destinations": ("alice", "/projects/cryo-em/destinations/"),
    "destination-new-rclone": ("alice", "/projects/cryo-em/destinations/new/rclone"),
    "keeping": ("alice", "/projects/cryo-em/keeping/"),
    "keeping-none": ("alice", "/projects/x-ray/keeping/"),
    "retention-class-add": ("alice", "/projects/cryo-em/keeping/add"),
    "dataset-keeping": ("alice", "{shared}keeping"),
    "deletions": ("sam", "/staff/deletions/"),
    "dataset-extend": ("alice", "{shared}keeping/extend"),
    "keep-answer": (None, "{answer_owner}"),
    "keep-answer-manager": (None, "{answer_manager}"),
    "hooks": ("alice", "/projects/cryo-em/hooks/"),
    "hook-stopped": ("alice", "/projects/cryo-em/hooks/2/"),
    "drop-links": ("alice", "/projects/cryo-em/drop-links/"),
    "drop-links-none": ("alice", "/projects/x-ray/drop-links/"),
    "drop-link-new": ("alice", "/projects/cryo-em/drop-links/new"),
    "drop": (None, "{drop_open}"),
    "drop-password": (None, "{drop_locked}"),
    "drop-revoked": (None, "{drop_revoked}"),
    "drop-expired": (None, "{drop_expired}"),
    "drop-unknown": (None, "/drop/lcd_0"),
    "share": ("alice", "{shared}share"),
    "landing": (None, "{link_open}"),
    "landing-push": (None, "{link_open}/push/sftp"),
    "landing-growing": (None, "{link_growing}"),
    "landing-folder": (None, "{link_open}?folder=Position_01"),
    "landing-found": (None, "{link_open}?find=mdoc"),
    "landing-tree": (None, "{link_open}/tree/"),
    "landing-tree-folder": (None, "{link_open}/tree/Position_01/"),
    "landing-selection": (None, "{link_open}/selection?in=Position_01"),
    "landing-many-files": (None, "{link_large}?folder=slices/04"),
    "landing-i-have-it": (None, "{link_open}/i-have-it"),
    "landing-not-me": (None, "{link_open}/not-me"),
    "landing-goes-soon": (None, "{link_goes_soon}"),
    "landing-goes-soon-i-have-it": (None, "{link_goes_soon}/i-have-it"),
    "landing-revoked": (None, "{link_revoked}"),
    "landing-expired": (None, "{link_expired}"),
    "landing-locked": (None, "{link_locked}"),
    "landing-late": (None, "{link_late}"),
    "landing-used-up": (None, "{link_used_up}"),
    "link-made": ("alice", "{page_made}"),
    "link-address": ("alice", "{page_lost}address"),
    "link-as-viewer": ("vera", "{page_made}"),
    "link-late": ("bob", "{page_late}"),
    "link-more-time-asked": ("bob", "{page_waits}"),
    "landing-more-time-asked": (None, "{link_waits}"),
    "landing-more-time-refused": (None, "{link_refused}"),
    "more-time-answer": (None, "{renewal_waits}"),
    "more-time-policy": ("alice", "/projects/cryo-em/settings/more-time"),
    "dataset-links": ("alice", "{huge}links"),
    "dataset-links-none": ("alice", "{receiving}links"),
    "mails-to-me": ("alice", "/account/mail"),
    "mails-to-nobody": ("charlie", "/account/mail"),
    "landing-unknown": (None, "/s/lcs_0"),
    "staff": ("sam", "/staff/"),
    "audit": ("sam", "/staff/audit/"),
    "audit-downloads": ("sam", "/staff/audit/?kind=downloaded"),
    "audit-nothing-found": ("sam", "/staff/audit/?person=nobody@example.org"),
    "storage": ("sam", "/staff/storage/"),
    "mail": ("sam", "/staff/mail/"),
    "mail-in-trouble": ("sam", "/staff/mail/?state=failed"),
    "mail-one": ("sam", "/staff/mail/1"),
    "instruments": ("sam", "/staff/instruments/"),
    "staff-people": ("sam", "/staff/people/"),
    "project-add": ("sam", "/staff/projects/add"),
    "not-found": ("alice", "/nothing-here"),
    "not-for-a-stranger": ("charlie", "{shared}"),
}


@pytest.mark.parametrize("name", PAGES)
def test_page_can_be_used_by_everybody(facility: Facility, sign_in: SignIn, name: str) -> None:
    require_usable(open_page_named(name, facility, sign_in), name)


@pytest.mark.parametrize("name", IN_DOCUMENTS)
def test_page_can_be_read_without_script(facility: Facility, sign_in: SignIn, name: str) -> None:
    without = words_of(open_page_named(name, facility, sign_in, java_script_enabled=False))
    with_script = words_of(open_page_named(name, facility, sign_in))
    without |= words_of(open_page_named(name, facility, sign_in, java_script_enabled=False))  # the facility goes on
    assert without >= with_script - {"Copy", "command"}


def open_page_named(name: str, facility: Facility, sign_in: SignIn, **options: object) -> Page:
    person, address = PAGES[name]
    places = {key: facility.dataset(key) for key in facility.datasets}
    links = {f"link_{key}": facility.link(key) for key in facility.tokens}
    answers = {f"answer_{key}": facility.answer(key) for key in facility.answers}
    drops = {f"drop_{key}": facility.drop(key) for key in facility.drops}
    renewals = {f"renewal_{key}": f"/more-time/{token}" for key, token in facility.renewals.items()}
    pages = {f"page_{key}": facility.link_page(key) for key in facility.made_links}
    known = {**places, **links, **drops, **renewals, **answers, **pages}
    return sign_in(person, address.format(**known), tolerate=REFUSED, **options)


def words_of(page: Page) -> set[str]:
    """What stands on it, besides times, which the script shows in the reader's zone: another day, too, at night."""
    main = page.locator("main")
    text = main.inner_text()
    for time in sorted(main.locator("time").all_inner_texts(), key=len, reverse=True):
        text = text.replace(time, " ")
    return set(text.split())
