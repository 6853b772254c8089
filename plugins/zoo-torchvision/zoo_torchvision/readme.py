"""How to use a result without zoo; goes into its README."""

from __future__ import annotations

from zoo.training.images import ImageConfig, MapSources, torchvision_readme
from zoo_torchvision.families import family_of
from zoo_torchvision.networks import arguments

_MNASNET = """
# The file does not say for which version of MNASNet it is; it is for this one.
model._load_from_state_dict = super(type(model), model)._load_from_state_dict"""


def readme_of(config: ImageConfig, sources: MapSources | None) -> str:
    """Of a network with a head, or without.

    Args:
        config: of the result.
        sources: of its feature maps; None where it gives none.
    """
    builder = str(config.architecture["builder"])
    more = {"num_classes": config.head.outputs if config.head else 1}
    more |= arguments(builder, int(config.architecture["size"]))
    call = f"torchvision.models.{builder}({', '.join(f'{name}={value}' for name, value in more.items())})"
    headless = "" if config.head else f"\nmodel.{_indexed(family_of(builder).head)} = torch.nn.Identity()"
    version = _MNASNET if builder.startswith("mnasnet") and not config.canvas else ""
    return torchvision_readme(config, f"model = {call}{headless}{version}", sources)


def _indexed(path: str) -> str:
    """The path of a module as Python has it: `classifier[6]`."""
    name, _, last = path.rpartition(".")
    return f"{name}[{last}]" if last.isdecimal() else path
