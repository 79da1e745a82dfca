"""The kinds of files that the confined reader tries; apart from `foreign_checks`, which is heavy to load."""

PACK, BASE, UPDATE = "pack", "base", "update"
RULES, TRUST, TOML = "rules", "trust", "toml"
