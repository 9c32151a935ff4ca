"""What every provider plugin of ours shares: the engine's messages and values, failures as sentences, the server."""
