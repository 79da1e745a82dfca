"""An expert system beside the probabilities: red flags, pairs, constraints and laboratory values, as data."""
