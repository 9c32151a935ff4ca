"""What was predicted, for whom and from what: on disk before the answer leaves, in a table of days afterwards."""
