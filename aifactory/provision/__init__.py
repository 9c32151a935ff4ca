"""Provisioning: the engine, the servers' environment, and the stacks of platform and use cases."""
