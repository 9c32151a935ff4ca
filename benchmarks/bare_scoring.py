"""What batch scoring is measured against: a loop. Usage: bare_scoring.py ROWS.csv MODEL.skops OUT.parquet."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import skops.io
from pyarrow import parquet

CHUNK = 100_000


def main() -> None:
    """Read, predict, write, a chunk at a time; no checks, no ids, no commit."""
    source, model, target = sys.argv[1:]
    estimator = skops.io.load(model, trusted=skops.io.get_untrusted_types(file=model))
    writer = None
    for chunk in pd.read_csv(source, chunksize=CHUNK):
        values = chunk.drop(columns="y").to_numpy(np.float64)
        shares = estimator.predict_proba(values)
        chunk["prediction"] = estimator.classes_[shares.argmax(axis=1)]
        for place, label in enumerate(estimator.classes_):
            chunk[f"probability_{label}"] = shares[:, place]
        table = pa.Table.from_pandas(chunk, preserve_index=False)
        writer = writer or parquet.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    main()
