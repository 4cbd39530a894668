"""Good settings: hyperparameter search, several seeds, learning curves; judged on dev alone."""
