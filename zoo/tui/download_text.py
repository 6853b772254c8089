"""How a download goes, line by line."""

from __future__ import annotations

from zoo.sanitize import one_line
from zoo.tui.downloads import Download
from zoo.units import bar, duration, size


def download_lines(download: Download) -> list[str]:
    """How a download goes, a line for the whole and one for each file."""
    p = download.progress
    if download.state == "stopped" and download.error is not None:
        return [f"stopped; {download.error.hint}"]
    if download.error is not None:
        return [one_line(download.error.message), one_line(download.error.hint)]
    if p is None:
        return ["asking the server"]
    whole = f"{size(p.received_bytes)} received"
    if p.total_bytes:
        whole = f"{bar(p.received_bytes / p.total_bytes)} {size(p.received_bytes)} of {size(p.total_bytes)}"
    if p.bytes_per_s and download.active:
        whole += f"  {size(p.bytes_per_s)}/s"
        if p.total_bytes:
            whole += f"  {duration((p.total_bytes - p.received_bytes) / p.bytes_per_s)} left"
    files = [
        f"{bar(received / total) if total else ''} {size(received)}  {one_line(name)}"
        for name, (received, total) in p.files.items()
    ]
    return [whole, *files] if len(files) > 1 else [whole]
