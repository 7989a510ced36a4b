"""Version 1 of the HTTP API: public and stable."""
