"""What a run was made from, and making the same once more."""
