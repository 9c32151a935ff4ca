"""How a model moves: gate, staging, approval, challenger, champion, and back."""
