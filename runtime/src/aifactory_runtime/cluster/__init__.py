"""One function over many partitions: in this process, or on a Dask cluster that is there."""
