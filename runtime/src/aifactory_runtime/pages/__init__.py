"""Pages for people: how a use case stands in an environment, as files of HTML that ask for nothing else."""
