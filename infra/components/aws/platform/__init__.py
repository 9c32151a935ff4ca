"""What all use cases of an account and an environment on AWS share, each part a component."""
