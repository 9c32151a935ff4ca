"""The Pulumi provider of this machine: folders, ports, services under supervisor, and access at MLflow."""
