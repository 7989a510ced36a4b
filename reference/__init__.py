"""Pages of the documentation that are made from the code, and the site's links to files outside `docs/`."""
