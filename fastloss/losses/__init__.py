"""One file per loss: its scalar maths, its class and docstring."""
