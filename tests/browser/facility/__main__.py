import json
import os
import sys
from datetime import timedelta

import django
from django.contrib.auth.hashers import make_password

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from portal.models import Project  # noqa: E402
from sharing.links import token_of  # noqa: E402
from tests.browser.facility import handing_over  # noqa: E402
from tests.browser.facility.agents import let_report  # noqa: E402
from tests.browser.facility.arrivals import dataset_of, send_again  # noqa: E402
from tests.browser.facility.elsewhere import growing_link, put_elsewhere  # noqa: E402
from tests.browser.facility.kept import answer_tokens, keep_for_a_time, link_that_outlasts_its_data  # noqa: E402
from tests.browser.facility.late import REFUSED, WAITS, come_too_late, renewal_tokens  # noqa: E402
from tests.browser.facility.moved_clock import Story, clock_at  # noqa: E402
from tests.browser.facility.people import PASSWORD, House, connect, open_house  # noqa: E402
from tests.browser.facility.story import HUBER, LATE, NOVAK, OKONKWO, PRIYA, RITA, Highlights, tell  # noqa: E402
from tests.browser.facility.visitors import drop_tokens, dropped, let_visitors_send  # noqa: E402


def main() -> None:
    if Project.objects.exists():
        sys.exit(
            "This portal has projects already; the story is told in an empty one only. Choose another LABCOURIER_VAR."
        )
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")  # nothing of this is worth waiting for the disk
    story = Story(now=timezone.now())
    beginning = story.now - timedelta(days=42)
    with clock_at(beginning):
        house = open_house()
        _connect_instruments(house)
    highlights = tell(story, house)
    let_report(story, house)
    let_visitors_send(story, house)
    send_again(story, highlights.receiving)
    story.happen()
    put_elsewhere(house, highlights)
    come_too_late(house, highlights.huge)
    keep_for_a_time(house)
    handing_over.set_terms(highlights.huge, HUBER, password_hash=make_password(PASSWORD))
    handing_over.set_terms(highlights.shared, PRIYA.email, most_downloads=1)
    sys.stdout.write(json.dumps(_addresses(house, highlights)))


def _connect_instruments(house: House) -> None:
    now = timezone.now()
    connect(house, "krios", label="Krios 2, control PC", by="bob", now=now, lifetime=None)
    connect(house, "glacios", label="Glacios, control PC", by="alice", now=now, lifetime=timedelta(days=48))
    connect(house, "aquilos", label="Aquilos 2, data PC", by="bob", now=now, lifetime=timedelta(days=365))
    connect(house, "novaseq", label="NovaSeq, run server", by="dana", now=now, lifetime=None)
    connect(house, "sheet", label="Light sheet, acquisition PC", by="dana", now=now, lifetime=None)


def _addresses(house: House, highlights: Highlights) -> dict[str, object]:
    """What the tests have to know: who may log in, which pages to look at."""
    runs = vars(highlights)
    links = {
        "open": handing_over.link_of(highlights.shared, RITA.email),
        "large": handing_over.link_of(highlights.huge, NOVAK.email),
        "growing": growing_link(highlights),
        "revoked": handing_over.link_of(highlights.shared, OKONKWO.email),
        "expired": handing_over.link_of(highlights.expired, PRIYA.email),
        "locked": handing_over.link_of(highlights.huge, HUBER),
        "late": handing_over.link_of(highlights.huge, LATE),
        "used_up": handing_over.link_of(highlights.shared, PRIYA.email),
        "waits": handing_over.link_of(highlights.huge, WAITS),
        "goes_soon": link_that_outlasts_its_data(),
        "refused": handing_over.link_of(highlights.huge, REFUSED),
    }
    made = {"made": links["used_up"], "late": links["late"], "waits": links["waits"]}
    made["lost"] = links["locked"]
    return {
        "logins": {key: [person.email, PASSWORD] for key, person in house.people.items()},
        "datasets": {key: str(dataset_of(run).pk) for key, run in runs.items()} | {"from_visitor": dropped()},
        "tokens": {key: token_of(link) for key, link in links.items()},
        "drops": drop_tokens(),
        "renewals": renewal_tokens(),
        "answers": answer_tokens(),
        "made_links": {key: link.pk for key, link in made.items()},
    }


if __name__ == "__main__":
    main()
