"""People of a use case: listed in its manifest, given and taken away there, written down when it was applied."""
