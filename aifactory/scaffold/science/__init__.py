"""Writes the science of a new repo for a table: schema, features, model, settings, sample, tests, cards, report."""

from aifactory.scaffold.science.write import Science, write

__all__ = ["Science", "write"]
