"""What the factory provisions: programs, components, conventions, policies and the provider of this machine."""
