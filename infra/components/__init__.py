"""Components: one part of an environment each, by target."""
