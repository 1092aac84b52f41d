"""What is measured, as data: losses, shapes, dtypes and arrays, and the targets."""
