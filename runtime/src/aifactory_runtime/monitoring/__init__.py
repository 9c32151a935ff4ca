"""What is watched in a use case that serves: rules over counts, without I/O; no row is kept."""
