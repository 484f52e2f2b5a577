"""``python -m tests.faults.crashes SECRET power|kill POINTS [FAULT]``: crashes, restarts, and tells what was lost.

POINTS is how many crash points to take, spread evenly over all there are; FAULT is planted first. Prints JSON:
`boundaries` (how many there are), `points` (how many were tried), `failures` (by point).
"""

import json
import sys

import django


def main(secret: str, manner: str, points: int, fault: str = "") -> None:
    django.setup()
    from tests.faults.crashes.stage import Stage  # needs Django's models

    stage = Stage(secret, power=manner == "power", fault=fault)
    passed = stage.rehearse()
    step = max(1.0, len(passed) / points)
    chosen = sorted({1 + int(number * step) for number in range(points)} & set(range(1, len(passed) + 1)))
    failures = {f"{point} {passed[point - 1]}": stage.crash_and_go_on(point) for point in chosen}
    told = {"boundaries": len(passed), "points": len(chosen), "failures": {k: v for k, v in failures.items() if v}}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
