"""Provider plugins of the factory's own."""
