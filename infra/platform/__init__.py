"""The platform: its program, and the settings in a company's `platform.yaml`."""
