"""A backend for arrays of another library that lie in the memory of the CPU: NumPy's views of them are computed."""

from typing import Any

from .._cpu import evaluate as cpu
from .._request.description import Description, Request


class Host:
    """Takes arrays of one library among the arguments; predictions of it give results of it."""

    def view(self, name: str, argument: str, value: Any) -> Any:
        """An array as NumPy's, over the same memory; what is not of the library as it is."""
        raise NotImplementedError

    def output(self, name: str, argument: str, value: Any) -> Any:
        """The same of an array that is written."""
        return self.view(name, argument, value)

    def wrap(self, value: Any, like: Any) -> Any:
        """A result as an array of the library, over the same memory, where `like` is one."""
        raise NotImplementedError

    def evaluate(self, loss: Description, request: Request) -> tuple[Any, Any, Any]:
        """As `_cpu.evaluate.evaluate`."""
        found = cpu.evaluate(loss, self._viewed(loss, request))
        given = request.losses, request.gradient, request.hessian
        pairs = zip(found, given, strict=True)
        value, gradient, hessian = (self.wrap(r, request.y_pred) if out is None else out for r, out in pairs)
        return value, gradient, hessian

    def gradient_hessian_matrix(self, loss: Any, request: Request) -> tuple[Any, Any]:
        """As `_cpu.evaluate.gradient_hessian_matrix`."""
        gradient, matrix = cpu.gradient_hessian_matrix(loss, self._viewed(loss, request))
        return self.wrap(gradient, request.y_pred), self.wrap(matrix, request.y_pred)

    def activate(self, loss: Description, z: Any, out: Any) -> Any:
        """As `_cpu.evaluate.activate`."""
        found = cpu.activate(loss, self.view(loss.name, "z", z), self.output(loss.name, "out", out))
        return self.wrap(found, z) if out is None else out

    def _viewed(self, loss: Description, request: Request) -> Request:
        found: dict[str, Any] = {}
        for key in ("y_true", "y_pred", "sample_weight"):
            found[key] = self.view(loss.name, key, getattr(request, key))
        for key in ("losses", "gradient", "hessian"):
            found[key] = self.output(loss.name, f"out ({key})", getattr(request, key))
        return request._replace(**found)
