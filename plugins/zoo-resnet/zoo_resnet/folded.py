"""ResNet's forward pass, as answering needs it (He et al. 2015, arXiv:1512.03385).

It computes what torchvision's modules compute in evaluation, with three savings. Batch norms are fixed by then, so they
are folded into the convolutions before them (Jacob et al. 2018, arXiv:1712.05877, section 3.2). Where oneDNN is asked,
ReLU and the addition of the shortcut are computed within the convolution; and weights are laid out once as it reads
them, which it would otherwise do at each call.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from zoo.training import onednn_is_faster
from zoo.training.packed_convolution import QuantizedConvolution
from zoo.training.precisions import DTYPES


class FoldedResNet(nn.Module):
    """A network that only answers."""

    def __init__(self, network: nn.Module, device: torch.device, precision: str) -> None:
        super().__init__()
        assert isinstance(network, ResNet)
        network = network.eval().to(device)
        stages = (network.layer1, network.layer2, network.layer3, network.layer4)
        self._stem = _folded(network.conv1, network.bn1, precision)
        self._pool = network.maxpool
        self._blocks = [_Block(block, precision) for stage in stages for block in stage]
        self._head = network.fc.to(DTYPES[precision])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the outputs.

        Args:
            images: shape (batch, 3, height, width), channels last, on the device and of the type of the network.

        Returns:
            Shape (batch, outputs); without a head the pooled features, shape (batch, features).
        """
        x = self._pool(self._stem.relu(images))
        for block in self._blocks:
            x = block(x)
        output: torch.Tensor = self._head(x.mean((2, 3)))
        return output


class _Block:
    """Two or three convolutions, and a shortcut past them (section 3.2, figures 2 and 5)."""

    def __init__(self, block: nn.Module, precision: str) -> None:
        assert isinstance(block, BasicBlock | Bottleneck)
        pairs = [(block.conv1, block.bn1), (block.conv2, block.bn2)]
        if isinstance(block, Bottleneck):
            pairs.append((block.conv3, block.bn3))
        *self._before, self._last = (_folded(*pair, precision) for pair in pairs)
        shortcut = None if block.downsample is None else list(block.downsample.children())
        self._shortcut = None if shortcut is None else _folded(shortcut[0], shortcut[1], precision)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """From shape (batch, inputs, height, width) to (batch, outputs, height, width); uses up its argument."""
        shortcut = x if self._shortcut is None else self._shortcut.alone(x)
        for convolution in self._before:
            x = convolution.relu(x)
        return self._last.added_relu(x, shortcut)


def _folded(convolution: nn.Module, norm: nn.Module, precision: str) -> _Convolution:
    """One convolution that computes both; those of a ResNet have no biases of their own."""
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
    weight = convolution.weight.detach() * scale[:, None, None, None]
    bias, dtype = norm.bias.detach() - norm.running_mean * scale, DTYPES[precision]
    weight, bias = weight.to(dtype).contiguous(memory_format=torch.channels_last), bias.to(dtype)
    if precision == "int8":
        return _QuantizedConvolution(convolution, weight, bias)
    return (_OneDnnConvolution if onednn_is_faster(weight) else _Convolution)(convolution, weight, bias)


class _Convolution:
    """And what follows it, from shape (batch, inputs, height, width) to (batch, outputs, height, width)."""

    def __init__(self, like: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor) -> None:
        assert not isinstance(like.padding, str)
        self._weight, self._bias = weight, bias
        self._padding, self._stride, self._dilation, self._groups = (
            like.padding,
            like.stride,
            like.dilation,
            like.groups,
        )

    def alone(self, x: torch.Tensor) -> torch.Tensor:
        """Nothing follows."""
        return functional.conv2d(x, self._weight, self._bias, self._stride, self._padding, self._dilation, self._groups)

    def relu(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU follows."""
        return self.alone(x).relu_()

    def added_relu(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """It is added to another tensor, in the memory of that, and ReLU follows."""
        return other.add_(self.alone(x)).relu_()


class _QuantizedConvolution(_Convolution):
    """The same in 8 bits."""

    def __init__(self, like: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__(like, weight, bias)
        assert not isinstance(like.padding, str)
        self._compute = QuantizedConvolution(weight, bias, like.stride, like.padding, like.dilation)
        del self._weight

    def alone(self, x: torch.Tensor) -> torch.Tensor:
        return self._compute(x)

    def relu(self, x: torch.Tensor) -> torch.Tensor:
        return self._compute(x, "relu")


class _OneDnnConvolution(_Convolution):
    """The same by oneDNN, with what follows computed along."""

    def __init__(self, like: nn.Conv2d, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__(like, weight, bias)
        self._geometry = self._padding, self._stride, self._dilation, self._groups  # padding first, unlike conv2d
        self._laid_out: torch.Tensor | None = None

    def alone(self, x: torch.Tensor) -> torch.Tensor:
        return self._followed_by("none", x)

    def relu(self, x: torch.Tensor) -> torch.Tensor:
        return self._followed_by("relu", x)

    def added_relu(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        add: Callable[..., torch.Tensor] = torch.ops.mkldnn._convolution_pointwise_.binary
        return add(other, x, self._weight_for(x), self._bias, *self._geometry, "add", 1.0, "relu", [], "")

    def _followed_by(self, activation: str, x: torch.Tensor) -> torch.Tensor:
        compute: Callable[..., torch.Tensor] = torch.ops.mkldnn._convolution_pointwise
        return compute(x, self._weight_for(x), self._bias, *self._geometry, activation, [], "")

    def _weight_for(self, x: torch.Tensor) -> torch.Tensor:
        """As oneDNN reads it for inputs as large as the first ones; others are computed with it, too."""
        if self._laid_out is None:
            reorder: Callable[..., torch.Tensor] = torch.ops.mkldnn._reorder_convolution_weight
            self._laid_out = reorder(self._weight, *self._geometry, list(x.shape))
            del self._weight
        return self._laid_out
