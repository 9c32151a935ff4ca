"""The choice between this process and a cluster: by memory alone under `auto`, and its line names the numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.cluster.choice import Choice, Engine, Place, Size, Work, choose

GIB = 2**30
TWO = Size(workers=2, memory=2 * GIB)
TABLE = Work("a fit", 20_000_000, whole=9 * GIB, parted=3 * GIB)
SMALL = Work("a fit", 10_000, whole=5 << 20, parted=2 << 20)
WHOLE_ONLY = Work("a fit", 20_000_000, whole=9 * GIB, parted=None)


@pytest.mark.parametrize(
    ("engine", "work", "free", "cluster", "where"),
    [
        ("auto", SMALL, 8 * GIB, TWO, "process"),
        ("auto", SMALL, 8 * GIB, None, "process"),
        ("auto", SMALL, None, TWO, "process"),
        ("auto", TABLE, 8 * GIB, TWO, "cluster"),
        ("auto", TABLE, 9 * GIB, TWO, "process"),
        ("auto", TABLE, 8 * GIB, None, "nowhere"),
        ("auto", WHOLE_ONLY, 8 * GIB, TWO, "nowhere"),
        ("auto", WHOLE_ONLY, 9 * GIB, TWO, "process"),
        ("auto", TABLE, 8 * GIB, Size(2, GIB), "nowhere"),
        ("dask", SMALL, 8 * GIB, TWO, "cluster"),
        ("dask", WHOLE_ONLY, 16 * GIB, TWO, "process"),
        ("dask", WHOLE_ONLY, 8 * GIB, TWO, "nowhere"),
        ("dask", TABLE, 16 * GIB, Size(1, 2 * GIB), "nowhere"),
        ("dask", TABLE, None, Size(2, None), "cluster"),
        ("local", TABLE, 8 * GIB, TWO, "process"),
        ("local", SMALL, 8 * GIB, TWO, "process"),
    ],
)
def test_given_memory_and_a_cluster_when_chosen_then_there(
    engine: Engine, work: Work, free: int | None, cluster: Size | None, where: Place
) -> None:
    assert choose(engine, work, free, cluster).where == where


def test_given_a_small_table_beside_a_cluster_when_chosen_then_the_line_says_what_the_cluster_would_cost() -> None:
    said = "a fit of 10000 rows takes 5.0 MiB, 8.0 GiB free: in this process; 2 workers of 2.0 GiB would add about 10 s"
    assert choose("auto", SMALL, 8 * GIB, TWO) == Choice("process", f"{said} to start")


def test_given_a_table_that_does_not_fit_when_chosen_then_the_line_names_memory_here_and_on_each_worker() -> None:
    said = "a fit of 20000000 rows takes 9.0 GiB, 2.0 GiB free: on the cluster, 1.5 GiB on each of 2 workers of 2.0 GiB"
    assert choose("auto", TABLE, 2 * GIB, TWO) == Choice("cluster", f"{said}, about 10 s to start")
    assert "1.5 GiB on each of 2 workers, about" in choose("auto", TABLE, 2 * GIB, Size(2, None)).reason


def test_given_work_that_fits_nowhere_when_chosen_then_the_line_says_what_mends_it() -> None:
    assert choose("auto", TABLE, GIB, Size(2, GIB)).reason.endswith("add workers, or memory to each")
    assert choose("auto", TABLE, GIB, None).reason.endswith("this environment has no cluster")
    assert "cannot be done by partition" in choose("dask", WHOLE_ONLY, GIB, TWO).reason


@given(
    whole=st.integers(0, 2**45),
    free=st.integers(0, 2**45),
    workers=st.integers(1, 1000),
    memory=st.integers(1, 2**40),
)
def test_given_any_work_that_fits_here_when_auto_then_no_cluster_is_used(
    whole: int, free: int, workers: int, memory: int
) -> None:
    chosen = choose("auto", Work("a fit", 1, whole, whole), free, Size(workers, memory))
    assert (chosen.where == "process") == (whole <= free)
    if chosen.where == "cluster":
        assert whole <= workers * memory
