"""Components of this machine."""
