"""The commands, a module for each group; operations/main.py loads them when they are called."""
