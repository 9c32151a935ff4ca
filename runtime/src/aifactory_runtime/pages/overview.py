"""The first page of an environment: is all well, what has to be done and by whom, and a tile for each area."""

from __future__ import annotations

from datetime import timedelta

from aifactory_runtime.events import kinds, told
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.pages import parts, verdicts
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup, tag

_OVER_DAYS, _MOST_OVER = 14, 8


def overview(facts: Facts) -> str:
    """What a person sees first."""
    opened = facts.problems.open(facts.now)
    shown = sorted(opened, key=lambda one: (kinds.of(one.kind).severity != "critical", one.opened))
    tiles = [
        parts.tile("service", verdicts.service(facts)),
        parts.tile("data", verdicts.data(facts)),
        parts.tile("model", verdicts.model(facts)),
        parts.tile("experiments", verdicts.experiments(facts)),
        parts.tile("cost", verdicts.cost(facts)),
        parts.tile("audit", verdicts.audited(facts)),
    ]
    return parts.page(
        facts,
        "index",
        _retired(facts),
        parts.banner(verdicts.overall(facts)),
        parts.section("What has to be done", *(_problem(facts, one) for one in shown)) if shown else None,
        parts.section("At a glance", tag("div", *tiles, class_="cards")),
        _unread(facts),
        _over(facts),
    )


def _retired(facts: Facts) -> Markup | None:
    said = facts.contract.retired
    return None if said is None else tag("p", tag("strong", "Retired here: "), said)


def _problem(facts: Facts, one: Problem) -> Markup:
    kind, level = kinds.of(one.kind), verdicts.of_problem(one)
    often = "once" if one.count == 1 else f"{one.count} times"
    reason = str(one.facts.get("reason") or "")
    return parts.card(
        tag("h3", f"{_name(one)} ", parts.pill(level)),
        tag("p", reason) if reason else None,
        parts.facts_list(
            [
                ("who", told.owner(one)),
                ("what to do", kind.what_to_do),
                ("found", f"{often} since {verdicts.when(one.opened)}"),
                ("taken care of", one.acknowledged_by and f"by {one.acknowledged_by}"),
                ("silent until", verdicts.when(one.silenced_until) if one.silent(facts.now) else None),
                ("note", one.note),
            ]
        ),
        level=level,
    )


def _name(one: Problem) -> str:
    kind, _, subject = one.key.partition(":")
    name = kind.replace("_", " ").capitalize()
    return f"{name}: {subject}" if subject else name


def _unread(facts: Facts) -> Markup | None:
    if not facts.unread:
        return None
    return parts.section("Could not be read", parts.facts_list(sorted(facts.unread.items())))


def _over(facts: Facts) -> Markup | None:
    """Problems that are over, newest first."""
    since = facts.now - timedelta(days=_OVER_DAYS)
    found = [(ended, one) for one in facts.problems.by_key.values() if (ended := one.ended(facts.now))]
    rows = [
        (ended, _name(one), one.opened, f"closed by {one.closed_by}" if one.closed_by else "by itself", one.caught_by)
        for ended, one in sorted(found, key=lambda entry: entry[0], reverse=True)
        if ended >= since
    ][:_MOST_OVER]
    if not rows:
        return None
    heads = ("over since", "problem", "opened", "how", "would have been caught by")
    return parts.section("Lately over", parts.table(heads, rows, "Problems that are over"))
