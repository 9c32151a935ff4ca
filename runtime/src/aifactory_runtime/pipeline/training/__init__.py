"""From prepared rows to a fitted model: the rows, each library's way of fitting, the search, Dask."""
