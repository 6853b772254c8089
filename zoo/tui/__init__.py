"""The terminal UI: views of the catalog and of run snapshots. No torch in this process."""
