"""The service under random use, against a plain model of what it must then hold."""
