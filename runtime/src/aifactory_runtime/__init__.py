"""Operations of a use case, plain Python: contracts, data, pipeline, registry, gate, release, serving, audit."""

__version__ = "0.3.0.dev0"
