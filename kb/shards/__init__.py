"""A generation read part by part, each part by a process that keeps its pages in memory."""
