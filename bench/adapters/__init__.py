"""Measurements of the adapters in other libraries: a module each, printed as tables for the guide's pages."""
