"""What every loss is: its public methods, its description, its hyperparameters, and the choice of the backend."""
