"""The service while it runs: a clip or a simulated one, the wearer, the journal and the alerts wired together."""
