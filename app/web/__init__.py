"""The page: shells without data, and the API's replies as HTML; it calls the public API and nothing else."""
