"""Who did what to which model, in a log whose lines hang on each other."""
