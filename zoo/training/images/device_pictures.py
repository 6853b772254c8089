"""Pictures made ready on an accelerator: scaled, cut out and normalised there; it decodes JPEG files where it can.

What remains for threads of the CPU is to read files, and to decode those that the device does not. The values are those
of `Preprocessing.crop` but for rounding, and but for what decoders of JPEG make of colours that are stored at half the
resolution.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from zoo.answers import Rejected
from zoo.kinds.image_decoding import PlainJpeg, plain_jpeg, read_image
from zoo.memory import is_out_of_memory
from zoo.training.images.preprocessing import Preprocessing, scaled
from zoo.training.moving import on_device

MOST_PIXELS = 1 << 20
"""Of a decoded picture that is scaled on the device; larger ones take longer to get there than to be scaled."""
MOST_DECODED = 1 << 27
"""Pixels of the JPEG files that a device decodes at once."""


class LoadedPicture(NamedTuple):
    """A picture that the CPU has decoded."""

    pixels: torch.Tensor
    """Uint8 of shape (height, width, 3)."""
    cropped: bool
    """Whether it is what the network sees already."""


Source = PlainJpeg | LoadedPicture


class DevicePictures:
    """Makes batches of what threads have read.

    Args:
        preprocessing: of the network.
        device: that computes.
        note: is told where the device could decode JPEG files, and does not.
    """

    def __init__(self, preprocessing: Preprocessing, device: torch.device, note: Callable[[str], None]) -> None:
        self._preprocessing, self._device = preprocessing, device
        self._scales = scales(device)
        self._decode = jpeg_decoder(device, note) if self._scales else None

    @classmethod
    def on(
        cls, device: torch.device, preprocessing: Preprocessing, note: Callable[[str], None]
    ) -> DevicePictures | None:
        """None for a CPU, where threads do all of it."""
        return None if device.type == "cpu" else cls(preprocessing, device, note)

    def prepare(self, source: Any) -> Source | Rejected:
        """What a thread makes of a path, a picture or an array."""
        if self._decode and (jpeg := plain_jpeg(source)):
            return jpeg
        image = read_image(source)
        return image if isinstance(image, Rejected) else self._loaded(image)

    def batch(self, sources: Sequence[Source]) -> tuple[torch.Tensor, list[Rejected | None]]:
        """Pictures as the network sees them.

        Returns:
            Float32 of shape (pictures that are whole, 3, height, width), channels last in memory; and of each source
            why it is not, None where it is.
        """
        pictures: list[torch.Tensor | Rejected] = []
        for _, group in groupby(sources, type):
            alike: list[Any] = list(group)
            pictures += self._decoded(alike) if isinstance(alike[0], PlainJpeg) else map(self._moved, alike)
        reasons = [picture if isinstance(picture, Rejected) else None for picture in pictures]
        whole = [picture for picture in pictures if isinstance(picture, torch.Tensor)]
        if not whole:
            size = self._preprocessing.size
            return torch.empty(0, 3, size, size, device=self._device), reasons
        return self._preprocessing.normalise(torch.stack(whole)), reasons

    def _loaded(self, image: Image.Image) -> LoadedPicture:
        if not self._scales or image.width * image.height > MOST_PIXELS:
            return LoadedPicture(torch.from_numpy(self._preprocessing.crop(image).copy()), cropped=True)
        return LoadedPicture(torch.from_numpy(np.array(self._preprocessing.without_ends(image))), cropped=False)

    def _moved(self, picture: LoadedPicture) -> torch.Tensor:
        """On the device, shape (size, size, 3)."""
        pixels = on_device(picture.pixels, self._device)
        return pixels.float() if picture.cropped else self._preprocessing.crop_pixels(pixels)

    def _decoded(self, jpegs: Sequence[PlainJpeg]) -> list[torch.Tensor | Rejected]:
        """Likewise, of files that the device decodes, or the CPU where the device fails at them."""
        assert self._decode is not None
        decoded: list[torch.Tensor | Rejected] = []
        for portion in _portions(jpegs):
            try:
                pictures = self._decode([torch.frombuffer(jpeg.content, dtype=torch.uint8) for jpeg in portion])
            except RuntimeError as error:  # one of them is damaged, or of a sort that the device does not know
                if is_out_of_memory(error):
                    raise
                decoded += map(self._decoded_here, portion)
                continue
            for pixels, jpeg in zip(pictures, portion, strict=True):
                upright = turned(pixels.permute(1, 2, 0), jpeg.orientation)
                decoded.append(self._preprocessing.crop_pixels(upright))
        return decoded

    def _decoded_here(self, jpeg: PlainJpeg) -> torch.Tensor | Rejected:
        image = read_image(jpeg.source)
        return image if isinstance(image, Rejected) else self._moved(self._loaded(image))


def scales(device: torch.device) -> bool:
    """Whether a device scales pictures with antialiasing; not all of Apple's versions do."""
    try:
        scaled(torch.zeros(3, 4, 4, device=device), 2, 2, "bilinear")
    except (NotImplementedError, RuntimeError):
        return False
    return True


def jpeg_decoder(
    device: torch.device, note: Callable[[str], None]
) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]] | None:
    """What decodes the contents of JPEG files on a device, each to uint8 of shape (3, height, width).

    None where it cannot: no other than those of CUDA do, and not each torchvision was built with nvJPEG.
    """
    if device.type != "cuda":
        return None

    def decode(contents: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """On a stream of its own: torchvision waits for nothing that still uses memory which was given back."""
        from torchvision.io import ImageReadMode, decode_jpeg

        computing = torch.accelerator.current_stream(device)
        with warnings.catch_warnings(), decoding:
            warnings.simplefilter("ignore")  # of what comes after torchvision's decoders
            pictures = list(decode_jpeg(list(contents), ImageReadMode.RGB, device=device))
        computing.wait_stream(decoding)
        for picture in pictures:
            picture.record_stream(computing)
        return pictures

    try:
        decoding = torch.Stream(device)
        decode([_one_jpeg()])
    except (ImportError, RuntimeError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        note(f"JPEG files are decoded by the CPU: torchvision cannot decode them on {device} ({reason})")
        return None
    return decode


def turned(pixels: torch.Tensor, orientation: int) -> torch.Tensor:
    """Pixels of shape (height, width, 3) as an EXIF orientation says; `zoo.kinds.image_decoding.turned` of a tensor."""
    if orientation in (5, 7):
        pixels = pixels.transpose(0, 1)
    quarters = {3: 2, 6: 3, 7: 2, 8: 1}.get(orientation, 0)
    pixels = pixels.rot90(quarters, (0, 1)) if quarters else pixels
    mirrored = {2: (1,), 4: (0,)}.get(orientation)
    return pixels.flip(mirrored) if mirrored else pixels


def _portions(jpegs: Sequence[PlainJpeg]) -> list[list[PlainJpeg]]:
    """As many at a time as there is room for once they are decoded."""
    portions: list[list[PlainJpeg]] = [[]]
    pixels = 0
    for jpeg in jpegs:
        pixels += jpeg.width * jpeg.height
        if portions[-1] and pixels > MOST_DECODED:
            portions.append([])
            pixels = jpeg.width * jpeg.height
        portions[-1].append(jpeg)
    return portions


def _one_jpeg() -> torch.Tensor:
    """The content of a small file."""
    from io import BytesIO

    file = BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    return torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)
