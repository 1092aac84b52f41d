"""Docstrings as the documentation shows them: their examples as code."""

import re

import griffe


class Examples(griffe.Extension):
    """Puts a fence around every example of the interactive prompt."""

    def on_object(self, *, obj, **kwargs):
        """Change the docstring of one object."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = re.sub(r"(^>>> .*?)(?=\n\n|\Z)", r"```pycon\n\1\n```", text, flags=re.S | re.M)
