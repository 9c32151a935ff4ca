"""What is watched in a use case that serves: service, data, model and cost. Aggregates are kept, no row is.

Rules without I/O are in `drift`, `bins`, `due`, `telling` and `*_rules`; `run` puts them together.
"""
