"""Models: the folder a model is, and the registry that numbers them."""
