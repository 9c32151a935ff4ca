"""What reads state and changes nothing: status, logs, addresses, settings and where they come from."""
