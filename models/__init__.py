"""Memory networks, their tasks, training and evaluation."""
