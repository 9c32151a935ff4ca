"""The `factory` command: scaffold use cases from the template, provision their environments, keep both current."""
