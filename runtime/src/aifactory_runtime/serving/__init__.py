"""The scoring service: one model, swapped while it runs, every prediction recorded before it is answered."""
