"""What of a use case's operations is AWS's own; imported only where an environment's target is aws."""
