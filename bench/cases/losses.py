"""The losses of fastloss that are measured, by name."""

import fastloss

ELEMENTWISE: dict[str, fastloss.Loss] = {
    "mse": fastloss.MeanSquaredError(),
    "mae": fastloss.MeanAbsoluteError(),
    "msle": fastloss.MeanSquaredLogarithmicError(),
    "poisson_rates": fastloss.Poisson(),
    "poisson_logits": fastloss.Poisson(from_logits=True),
    "squared_hinge": fastloss.SquaredHinge(),
    "squared_hinge_tanh": fastloss.SquaredHinge(from_logits=True),
    "bce_probabilities": fastloss.BinaryCrossentropy(),
    "bce_logits": fastloss.BinaryCrossentropy(from_logits=True),
    "binary_focal_logits": fastloss.BinaryFocalCrossentropy(gamma=2.0, from_logits=True),
}
ROWWISE: dict[str, fastloss.Loss] = {
    "softmax_crossentropy": fastloss.CategoricalCrossentropy(from_logits=True),
    "softmax_focal": fastloss.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True),
}
LOSSES = ELEMENTWISE | ROWWISE
"""Measured on the CPU and on a GPU."""
LAYOUTS: dict[str, fastloss.Loss] = {
    "softmax_one_hot": fastloss.CategoricalCrossentropy(from_logits=True),
    "softmax_smoothed": fastloss.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    "softmax_axis_1": fastloss.CategoricalCrossentropy(from_logits=True, axis=1),
}
"""Softmax cross-entropy with dense targets, with smoothed ones, and with the classes on axis 1; on the CPU alone."""
CPU_LOSSES = LOSSES | LAYOUTS
