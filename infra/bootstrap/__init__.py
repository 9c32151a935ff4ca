"""The first stack of an account in a cloud: where the engine's state lies, and who may apply the platform."""
