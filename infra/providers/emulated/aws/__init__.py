"""What is AWS's of the stand-in: resource schemas, spelling, forms of ids and ARNs."""
