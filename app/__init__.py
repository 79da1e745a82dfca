"""The product: everything that touches a person or their data."""
