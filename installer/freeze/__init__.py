"""What goes into the frozen folders, and the run of PyInstaller that makes them."""
