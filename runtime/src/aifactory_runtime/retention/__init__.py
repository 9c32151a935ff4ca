"""Keeps the disk of an environment in order: recorded predictions are packed, when somebody says so."""
