"""What is collected: modules that cannot be imported without another library, and their examples, only where it is."""

import importlib.util

NEEDS = {"plot": "matplotlib", "torch": "torch", "jax": "jax"}
collect_ignore = [f"fastloss/{module}.py" for module, library in NEEDS.items() if not importlib.util.find_spec(library)]
