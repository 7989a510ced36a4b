"""Knowledge: triples, their SQL store, and the derived structures that answer questions."""
