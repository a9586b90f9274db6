"""Editing images with Pillow: operations in their order, and several images made one."""
