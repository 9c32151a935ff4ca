"""Takes what is recorded of one person out of an environment, for good."""
