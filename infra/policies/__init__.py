"""The policy pack for this machine."""
