"""Keeps the disk of an environment in order: what can be packed is packed."""
