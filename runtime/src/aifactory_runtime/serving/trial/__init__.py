"""A second model on live requests: who answers which, what the other one says, and when it is taken out at once."""
