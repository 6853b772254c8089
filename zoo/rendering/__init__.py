"""Blocks as text, Markdown and HTML; what the views of characters share."""
