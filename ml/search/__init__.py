"""Looks for good training settings; knows nothing of what is trained."""
