"""`send --split`: one command, several datasets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from labcourier_agent.details import Details, placeholders
from labcourier_agent.exits import BadUsage, NotFound
from labcourier_agent.plan import Plan
from labcourier_agent.progress import LOGGER
from labcourier_agent.rules import Rule, parse_split
from labcourier_agent.scan import LeftOut, Selection, look_through


def read_split(text: str) -> Rule:
    """Errors: BadUsage."""
    try:
        return parse_split(text)
    except ValueError as error:
        raise BadUsage(f"--split {error}") from error


def split_plans(plan: Plan, details: Details, only: Sequence[str]) -> list[Plan]:
    """A plan for each dataset that `plan.split` makes of what lies in the sources now; with `only`, of these keys.

    Errors: BadUsage, NotFound when there is nothing.
    """
    rule = read_split(plan.split)
    folder = Path(plan.sources[0]).name
    unknown = {name for text in details.texts() for name in placeholders(text)} - rule.names - {"folder"}
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(rule.names | {"folder"}))
        raise BadUsage(f"{{{min(unknown)}}} is not known with --split {plan.split}: known are {known}.")
    keys = _keys(plan, rule)
    missing = sorted(set(only) - set(keys))
    if missing:
        raise NotFound(f"--only {missing[0]}: nothing lies there. There are: {', '.join(keys) or 'none'}.")
    return [_plan_of(plan, details, rule, key, folder) for key in only or keys]


def _keys(plan: Plan, rule: Rule) -> list[str]:
    keys: set[str] = set()
    strays = 0
    selection = plan.selection()
    for found in look_through(plan.sources, selection=Selection(selection.filters, selection.links)):
        if not isinstance(found, LeftOut):
            share = rule.share_of(found.path, found.signature.mtime_ns)
            strays += share is None
            keys |= {share.key} if share else set()
    if strays:
        LOGGER.warning("%d files belong to no dataset by --split %s: they are not sent.", strays, plan.split)
    if not keys:
        raise NotFound(f"Nothing to send: no dataset in {', '.join(plan.sources)} by --split {plan.split}.")
    return sorted(keys)


def _plan_of(plan: Plan, details: Details, rule: Rule, key: str, folder: str) -> Plan:
    values = {"folder": folder, **rule.values(key)}
    fields, wrong = details.fill(values, title=rule.title(values, folder))
    if wrong:
        LOGGER.warning("“%s” goes without these recipients, no e-mail address: %s", fields["title"], ", ".join(wrong))
    return replace(plan, key=key, **fields)
