"""Events → the wearer: what is said, and over which channels."""
