"""The rules of the split, over rows in buckets: those of equal inputs are in one, so most is decided within it."""
