"""Train models on real data with the fused kernels, beside scikit-learn's own: `python -m demo`."""
