"""What is measured on a GPU: time on the device for large arrays, time on the host for small ones."""

from typing import Any, NamedTuple

from ..cases.losses import ELEMENTWISE, LOSSES

GPU_SIZES = [1 << 26, 1 << 28, 1 << 24, 1 << 20]
GPU_SHAPES = [(1 << 17, 1000), (1 << 22, 10), (1 << 12, 32000), (1 << 11, 128256), (1 << 20, 100), (1 << 14, 8192),
          (1 << 10, 262144)]  # fmt: skip
"""Those that say most come first, in case that a run is cut off."""
DTYPES = ("float32", "bfloat16")
HOST_SHAPES = {"mse": (1 << 10,), "bce_logits": (1 << 10,), "softmax_crossentropy": (1 << 6, 1 << 4)}
"""So small that a call is nearly all launch overhead."""


class GpuCase(NamedTuple):
    """One loss on one shape and dtype; what is timed is the device's work or the host's."""

    where: str
    loss: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.where} {self.loss} {'x'.join(map(str, self.shape))} {self.dtype}"

    @classmethod
    def of(cls, row: dict[str, Any]) -> "GpuCase":
        """The case of a saved row."""
        return cls(row["where"], row["loss"], tuple(row["shape"]), row["dtype"])


def gpu_cases(quick: bool) -> list[GpuCase]:
    """All cases: the host's, then the device's, every loss at one size before the next size."""
    sizes, shapes = (GPU_SIZES[-1:], [(1000, 10), (64, 1000)]) if quick else (GPU_SIZES, GPU_SHAPES)
    found = [GpuCase("host", name, shape, "float32") for name, shape in HOST_SHAPES.items()]
    for index in range(max(len(sizes), len(shapes))):
        for dtype in DTYPES:
            for name in LOSSES:
                of_loss = [(n,) for n in sizes] if name in ELEMENTWISE else shapes
                found += [GpuCase("device", name, shape, dtype) for shape in of_loss[index : index + 1]]
    return found
