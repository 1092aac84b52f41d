"""Docstrings and signatures as the documentation shows them: examples as code, hyperparameters with their defaults."""

import re

import griffe


class Examples(griffe.Extension):
    """Puts a fence around every example of the interactive prompt, and takes defaults out of `hyperparameter`."""

    def on_object(self, *, obj, **kwargs):
        """Change the docstring of one object."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = re.sub(r"(^>>> .*?)(?=\n\n|\Z)", r"```pycon\n\1\n```", text, flags=re.S | re.M)

    def on_function_instance(self, *, func, **kwargs):
        """Leave out the parameter that takes options which no call has, for the sake of their error."""
        if "wrong" in func.parameters:
            del func.parameters["wrong"]

    def on_attribute_instance(self, *, attr, **kwargs):
        """Change one field before its class gets its signature."""
        if str(attr.value).startswith("hyperparameter("):
            attr.value = attr.value.arguments[0]
