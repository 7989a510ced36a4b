"""Threads of numpy's matrix products, set for the whole process."""

from threadpoolctl import ThreadpoolController


def limit_threads(count: int) -> None:
    """Let numpy's OpenBLAS use this many threads; FAISS's, which runs on OpenMP, and torch's stay as they are."""
    ThreadpoolController().select(threading_layer="pthreads").limit(limits=count)
