"""Steps that bring an owner's files to what this release expects. A step looks whether it is due, not at versions."""
