"""What happened that somebody should know: one log, a table of kinds, and the problems that follow from both."""
