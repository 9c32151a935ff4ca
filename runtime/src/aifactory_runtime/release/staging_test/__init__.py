"""The integration test of a release: stand-ins of producer and consumer, checks, and their report."""
