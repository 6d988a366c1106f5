"""A running service and the commands beside it, over a loopback wire."""
