"""The Debian packages: their files, their control data, and what they depend on."""
