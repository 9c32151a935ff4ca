"""Tables: what comes in, what is trained on, and the columns a model sees."""
