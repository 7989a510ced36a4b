"""Memory networks: one paper a file."""
