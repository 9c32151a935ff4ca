"""People are told of problems: what is told when, a box of messages that outlives outages, and the ways out of it."""
