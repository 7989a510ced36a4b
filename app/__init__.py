"""The service: settings, answering, jobs, keys, HTTP, command line."""
