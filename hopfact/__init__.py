"""Hopfact from other programs: a client of its HTTP API, and retrievers for LangChain and LlamaIndex.

Nothing here imports the service, and `hopfact.client` needs nothing but httpx.
"""
