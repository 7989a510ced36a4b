"""SPARQL over knowledge bases, in processes that can be killed."""
