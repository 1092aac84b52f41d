"""The compiled code for the CPU."""
