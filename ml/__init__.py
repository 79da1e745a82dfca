"""Learning from examples; knows no patient, no vault, no screen."""
