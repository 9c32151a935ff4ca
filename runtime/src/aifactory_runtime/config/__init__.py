"""How a project learns about itself: manifest file, settings per environment, and the environment it runs against."""
