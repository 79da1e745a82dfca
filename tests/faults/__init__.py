"""The fault harness: what the vault does when the disk, the power or the process gives out."""
