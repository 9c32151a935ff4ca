"""What asks for a new training, which rule decides it, and the tick that does what is due in an environment."""
