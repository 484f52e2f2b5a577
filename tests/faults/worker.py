"""``python -m tests.faults.worker``: verifies and unpacks what has arrived, until it is killed. No broker needed."""

import time

import django


def main() -> None:
    django.setup()
    from django.utils import timezone

    from uploads.services.work import sweep  # needs Django's models

    while True:
        sweep(clock=timezone.now)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
