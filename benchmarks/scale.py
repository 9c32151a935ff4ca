"""`make bench-scale`: what a cluster of two workers does to time and memory, written into docs/scale.md.

Sizes are those of the table in the page; `--part 50` takes a fiftieth of all rows, to see the whole of it run. Only
full sizes are written into the page.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import scale_case
from measure import CHECKOUT, Cost, Row, limit_row, machine, table
from scale_case import Case

GIB = 2**30
BATCH, TABLE, FEW = 50_000_000, 20_000_000, 5_000_000
TRAINED_ON = 20_000
SMALL = 10_000
PARTITIONS = 2_000
WORKERS = 2
PAGE = CHECKOUT / "docs" / "scale.md"
RESULTS = CHECKOUT / "benchmarks" / "scale_results.json"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Sizes:
    """How many rows there are at full size, and which part of them is taken."""

    part: int = 1

    def of(self, rows: int) -> int:
        """So many in this run."""
        return max(SMALL, rows // self.part)

    def said(self, rows: int) -> str:
        """For a row of the table."""
        return f"{self.of(rows):,} rows x 20".replace(",", " ")


def batch(work: Path, sizes: Sizes) -> list[Row]:
    """Scoring of a large table: time against one process, memory of each worker, the same bytes; growth."""
    limit = int(1.5 * GIB)
    case = scale_case.make(work / "batch", TRAINED_ON, "dask")
    case.run("run")
    case.release()
    rows = {count: work / f"rows-{count}" for count in (sizes.of(FEW), sizes.of(BATCH))}
    for count, folder in rows.items():
        scale_case.write_rows(folder, count, seed=5)
    with scale_case.cluster(case, WORKERS, limit) as (address, workers):
        spread = {count: _scored(case.on(address), folder) for count, folder in rows.items()}
        ours = _digest(case)
        peak = workers.peak()
    alone = {count: _scored(case, folder) for count, folder in rows.items()}
    same = ours == _digest(case)
    few, many = sizes.of(FEW), sizes.of(BATCH)
    what = f"batch, {sizes.said(BATCH)}, two workers of 1.5 GiB"
    return [
        _ratio(f"{what}: time", "one process", 1.2, spread[many].seconds, alone[many].seconds),
        limit_row(f"{what}: memory of each worker", limit / 2**20, "MiB", peak),
        Row(f"{what}: what is written", "one process", "bit-equal", "equal" if same else "differs", same),
        _growth("batch", few, many, spread[few].seconds, spread[many].seconds),
    ]


def pipeline(work: Path, sizes: Sizes) -> list[Row]:
    """The whole pipeline with xgboost: finished where one process cannot, as good a model; growth."""
    limit, metric = 2 * GIB, "roc_auc"
    seconds = {}
    seen: dict[str, float] = {}
    peak, ends = 0.0, ""
    for rows in (FEW, TABLE, BATCH):
        case = scale_case.make(work / "pipeline", sizes.of(rows), "dask")
        with scale_case.cluster(case, WORKERS, limit) as (address, workers):
            seconds[rows] = case.on(address).run("run").seconds
            peak = workers.peak() if rows == TABLE else peak
        if rows == TABLE:
            seen["spread"] = case.metric(metric)
            case.forget()
            ends = _ends(case, limit)
            case.forget()
            case.run("run")
            seen["alone"] = case.metric(metric)
    what = f"pipeline, {sizes.said(TABLE)}, xgboost, two workers of 2 GiB"
    apart = abs(seen["spread"] / seen["alone"] - 1)
    told = f"{metric} {seen['spread']:.5f} against {seen['alone']:.5f}"
    cannot = ends != ""
    return [
        limit_row(f"{what}: memory of each worker", limit / 2**20, "MiB", peak, f"{seconds[TABLE]:.0f} s"),
        Row(f"{what}: finishes", "one process of 2 GiB", "it cannot", ends or "it finishes too", cannot),
        Row(f"{what}: metric", "one process", "within 0.5 %", f"{apart:.3%}", apart <= 0.005, told),
        _growth("pipeline", sizes.of(FEW), sizes.of(BATCH), seconds[FEW], seconds[BATCH]),
    ]


def small(work: Path, sizes: Sizes) -> list[Row]:
    """What a cluster adds to a run of few rows under `auto`: nothing, since it is not used."""
    del sizes
    case = scale_case.make(work / "small", SMALL, "auto")
    case.run("run")
    case.forget()
    alone = case.run("run", "--again")
    with scale_case.cluster(case, WORKERS, GIB) as (address, workers):
        case.forget()
        idle = workers.peak()
        beside = case.on(address).run("run", "--again")
        used = workers.peak() > idle * 1.05
    detail = f"{beside.seconds:.2f} s against {alone.seconds:.2f} s"
    return [
        Row(
            f"what a cluster adds to a run of {SMALL} rows under auto",
            "one process",
            "nothing: not used",
            "it is used" if used else "not used",
            not used,
            detail,
        )
    ]


def partitions(work: Path, sizes: Sizes) -> list[Row]:
    """What a partition that does nothing costs."""
    del work
    import logging
    import time

    from distributed import Client, LocalCluster

    from aifactory_runtime.cluster.dask_executor import DaskExecutor

    count = max(200, PARTITIONS // sizes.part)
    local = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": logging.ERROR}
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, **local) as made, Client(made) as client:
        executor = DaskExecutor(client)
        list(executor.in_order(abs, range(100), what="partition"))
        began = time.perf_counter()
        found = list(executor.in_order(abs, range(count), what="partition"))
        took = time.perf_counter() - began
    assert found == list(range(count))  # noqa: S101 (a benchmark that counts wrong says nothing)
    return [limit_row(f"scheduling, {count} partitions", 1, "ms a partition", took * 1000 / count)]


MEASURES: dict[str, Callable[[Path, Sizes], list[Row]]] = {
    "batch": batch,
    "pipeline": pipeline,
    "small": small,
    "partitions": partitions,
}


def main() -> None:
    """Measure what was named, everything by default; at full size, rewrite the table in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], help="only these")
    parser.add_argument("--part", type=int, default=1, help="take one row in so many; the page is left as it is")
    parser.add_argument("--work", type=Path, default=CHECKOUT / ".bench" / "scale", help="scratch folder")
    arguments = parser.parse_args()
    sizes = Sizes(arguments.part)
    arguments.work.mkdir(parents=True, exist_ok=True)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in arguments.names or list(MEASURES):
        print(f"-- {name}", flush=True)
        rows = MEASURES[name](arguments.work, sizes)
        for row in rows:
            reached = "ok  " if row.reached else "MISS"
            print(f"{reached} {row.what}: {row.seen} (asked {row.asked}) {row.detail}", flush=True)
        if sizes.part == 1:
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            kept[name] = {"date": today, "machine": machine(), "rows": [asdict(row) for row in rows]}
            RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
            PAGE.write_text(placed(PAGE.read_text(encoding="utf-8"), table(kept, MEASURES)), encoding="utf-8")


def placed(page: str, text: str) -> str:
    """The page with `text` between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _scored(case: Case, rows: Path) -> Cost:
    case.forget("scored")
    return case.run("score", "--input", str(rows))


def _digest(case: Case) -> str:
    """Of all that was scored, in its order; of what is different each time, such as the moment, nothing."""
    import hashlib

    from aifactory_runtime.data import tables

    found = hashlib.sha256()
    folder = case.repo / ".factory" / "dev" / "data"
    for frame in tables.batches(folder, tables.SCORED):
        kept = frame.drop(columns=[name for name in frame.columns if name in ("scored_at", "timestamp", "time")])
        for name in sorted(kept.columns):
            column = kept[name]
            found.update(column.to_numpy().tobytes() if column.dtype.kind in "biufM" else repr(list(column)).encode())
    return found.hexdigest()


def _ends(case: Case, limit: int) -> str:
    """How a run in one process of so much memory ends; empty when it does not fail."""
    try:
        case.run("run", limit=limit)
    except RuntimeError as error:
        return str(error).strip().splitlines()[-1][-120:]
    return ""


def _ratio(what: str, against: str, limit: float, ours: float, theirs: float) -> Row:
    detail = f"{ours:.1f} s against {theirs:.1f} s"
    return Row(what, against, f"{limit:g}x or less", f"{ours / theirs:.2f}x", ours / theirs <= limit, detail)


def _growth(what: str, few: int, many: int, of_few: float, of_many: float) -> Row:
    """Time against that of fewer rows, as often as there are more."""
    ratio = of_many / (of_few * many / few)
    detail = f"{of_few:.1f} s and {of_many:.1f} s"
    return Row(f"{what}, from {few} to {many} rows", "linear", "1.15x or less", f"{ratio:.2f}x", ratio <= 1.15, detail)


if __name__ == "__main__":
    main()
