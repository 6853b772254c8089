"""Show the terminal UI in a browser."""

from __future__ import annotations

import argparse
import ipaddress
import socket

from zoo.cli import diagnostics, output
from zoo.cli.exit_codes import ExitCode
from zoo.cli.option_flags import add_number
from zoo.cli.parser import Parser
from zoo.errors import OptionInvalid, Unsupported
from zoo.options import Option

PORT = Option(name="port", kind="int", default=8000, help="Port; 0 takes any that is free.", ge=0, le=65_535)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
    add_number(parser, PORT)
    parser.add_argument("--public-url", default="", metavar="URL", help="how browsers reach it, where it differs")
    parser.add_argument("--no-token", action="store_true", help="let everybody in who can reach it")


def run(args: argparse.Namespace) -> ExitCode:
    """Serve until interrupted; the address is the answer."""
    try:
        from zoo.tui.web import WebServer, new_token
    except ImportError as error:
        raise Unsupported("serving needs textual-serve", "pip install 'zoo-models[serve]'") from error
    port = _free_port(args.host, args.port)
    if args.no_token and not _is_loopback(args.host):
        raise OptionInvalid(
            f"--no-token would let everybody in who reaches {args.host}: they could run models and delete runs",
            "leave --no-token out, or listen at 127.0.0.1",
        )
    server = WebServer(args.host, port, public_url=args.public_url, token="" if args.no_token else new_token())
    output.line(server.address)
    output.flush()  # whoever reads it through a pipe waits for it
    diagnostics.note("open this address in a browser; Ctrl-C ends it, and runs go on")
    if not _is_loopback(args.host):
        diagnostics.warn("others on the network can reach this; who has the address can do what you can do in zoo")
    server.serve()
    return ExitCode.OK


def _free_port(host: str, port: int) -> int:
    """The port, or any free one for 0; it is tried before its address is printed."""
    try:
        with socket.create_server((host, port)) as trial:
            free_port: int = trial.getsockname()[1]
            return free_port
    except (OSError, OverflowError) as error:
        raise OptionInvalid(
            f"nothing can listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}",
            "choose another --port; 0 takes any that is free",
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
