"""Whatever way features() takes to a column's values, it is noted as read; names alone are not reading."""

from __future__ import annotations

import copy
from collections import ChainMap
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.pipeline.reads import Reads, listed

COLUMNS = {"a": np.arange(3.0), "b": np.ones(3), "c": np.zeros(3)}


def match(columns: Any) -> Any:
    match columns:
        case {"a": values}:
            return {"a": values}


def popped(columns: Any) -> Any:
    return {"a": columns.pop("a")}


def updated(columns: Any) -> Any:
    made = {"x": 1}
    made.update(columns)
    return made


def given_as_arguments(columns: Any) -> Any:
    def taken(**given: Any) -> Any:
        return given

    return taken(**columns)


ONE: dict[str, Callable[[Any], Any]] = {
    "[]": lambda columns: {"x": columns["a"]},
    "get": lambda columns: {"x": columns.get("a")},
    "get of what may be there": lambda columns: {"x": columns["a"] if "z" not in columns else columns["z"]},
    "setdefault": lambda columns: {"x": columns.setdefault("a", 0)},
    "names": lambda columns: {name: columns[name] for name in columns if name < "b"},
    "keys": lambda columns: {name: columns[name] for name in columns.keys() & {"a", "z"}},
    "own key": lambda columns: columns.update(own=columns["a"]) or {"x": columns["own"]},
    "itemgetter": lambda columns: {"x": itemgetter("a")(columns)},
    "chained": lambda columns: {"x": ChainMap({}, columns)["a"]},
    "match": match,
    "pop": popped,
}
ALL: dict[str, Callable[[Any], Any]] = {
    "itself": lambda columns: {**columns},
    "dict": dict,
    "copy": lambda columns: columns.copy(),
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "or": lambda columns: columns | {"x": 1},
    "or after": lambda columns: {"x": 1} | columns,
    "update": updated,
    "values": lambda columns: {"sum": sum(columns.values())},
    "items": lambda columns: dict(columns.items()),
    "arguments": given_as_arguments,
    "frame": lambda columns: dict(pd.DataFrame(columns)),
    "popitem": lambda columns: dict(columns.popitem() for _ in range(3)),
}


@pytest.mark.parametrize("how", ONE)
def test_given_features_that_read_one_column_then_that_one_is_noted(how: str) -> None:
    reads = Reads(ONE[how])
    assert reads(COLUMNS)
    assert reads.names & set(COLUMNS) == {"a"}


@pytest.mark.parametrize("how", ALL)
def test_given_features_that_go_over_all_columns_then_all_are_noted_and_the_answer_is_the_same(how: str) -> None:
    reads = Reads(ALL[how])
    found, plain = reads(COLUMNS), ALL[how](dict(COLUMNS))
    assert reads.names == set(COLUMNS)
    assert found.keys() == plain.keys()
    assert all(np.array_equal(found[name], plain[name]) for name in plain)


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=5))
def test_given_several_calls_then_what_any_of_them_reads_is_noted(calls: list[set[str]]) -> None:
    wanted: set[str] = set()
    reads = Reads(lambda columns: {name: columns[name] for name in wanted})
    for names in calls:
        wanted = names
        reads(dict.fromkeys("abcdef", 0))
    assert reads.names == set().union(*calls)


@pytest.mark.parametrize(("ignored", "why"), [(("z",), "lists in IGNORED"), ((), "does not declare in SCHEMA")])
def test_given_features_that_read_what_is_not_there_then_both_places_are_named(
    ignored: tuple[str, ...], why: str
) -> None:
    with pytest.raises(UsageProblem, match=rf"features.py reads 'z', which schema.py {why}: take it out of one"):
        Reads(lambda columns: {"x": columns["z"]}, ignored)(COLUMNS)


def test_given_an_error_of_their_own_when_features_run_then_it_stays_as_it_is() -> None:
    with pytest.raises(KeyError):
        Reads(lambda columns: {"x": {}[columns["a"][0]]})(COLUMNS)


def test_given_many_names_when_listed_then_the_first_are_named_and_the_rest_counted() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([f"c{place}" for place in range(12)]).endswith("c8, c9 and 2 more")
