"""The steps from a data source to a registered model, and what they hand each other."""
