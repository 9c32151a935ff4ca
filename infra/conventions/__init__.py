"""Tables that all targets share: names, tags, sizes, personas. No logic beyond a lookup."""
