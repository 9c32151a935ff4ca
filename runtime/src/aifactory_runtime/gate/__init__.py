"""Whether a candidate may be registered: metrics in, verdict out."""
