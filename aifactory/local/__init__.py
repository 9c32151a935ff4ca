"""What is this machine's: backup and restore of a home, and its start at boot."""
