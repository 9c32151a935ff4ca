"""Day to day: logs, addresses, the tool's own settings, backup and restore, retirement, start at boot."""
