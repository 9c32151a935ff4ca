"""What is watched in a use case that serves: rules over counts, without I/O; no row is kept.

Nothing calls them yet: the monitors that will are to come.
"""
