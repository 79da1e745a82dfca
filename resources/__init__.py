"""Data files that ship with the program, read by importlib.resources."""
