"""Single faults, each with the narrow test that must catch it: `make mutants`, for some tens of minutes."""
