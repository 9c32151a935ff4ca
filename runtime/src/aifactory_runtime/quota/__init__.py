"""What a use case may take of an environment, what it has taken, and what happens before the limit and at it."""
