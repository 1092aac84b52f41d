"""Scalar maths that both backends compile: elementary functions, softmax and its derivatives, floats of 16 bits."""
