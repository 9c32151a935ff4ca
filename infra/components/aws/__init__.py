"""What an environment consists of on AWS, each part a component."""
