"""``python -m bench.push_once DATASET KIND``: pushes it to a new destination, told on standard input as JSON.

Prints the seconds from the moment somebody asked until every file was copied and compared.
"""

import json
import sys
import time
from uuid import uuid4

import django
from django.utils import timezone

POLL = 0.25  # the time is told by the delivery itself
PATIENCE = 1800.0


def push(dataset_name: str, kind: str, said: dict[str, str]) -> float:
    """``said`` as in the form of the kind."""
    from delivery.models import Delivery
    from delivery.services.destinations import DestinationWish, register_destination
    from delivery.services.push_begin import begin_push
    from portal.actors import Actor
    from portal.models import Dataset, User

    dataset = Dataset.objects.select_related("project").get(name=dataset_name)
    bob = Actor.of_user(User.objects.get(email="bob@example.org"))
    wish = DestinationWish(kind, f"Bench {uuid4().hex[:8]}", said)
    archive = register_destination(project=dataset.project, wish=wish, actor=bob, now=timezone.now())
    delivery = begin_push(dataset=dataset, destination=archive, occasion=uuid4().hex, actor=bob)
    deadline = time.monotonic() + PATIENCE
    while delivery.ended_at is None and time.monotonic() < deadline:
        time.sleep(POLL)
        delivery.refresh_from_db()
    if delivery.state != Delivery.State.DONE or delivery.ended_at is None:
        raise SystemExit(f"the push is {delivery.state}: {delivery.reason}")
    return (delivery.ended_at - delivery.created_at).total_seconds()


if __name__ == "__main__":
    django.setup()
    print(push(sys.argv[1], sys.argv[2], json.load(sys.stdin)))
