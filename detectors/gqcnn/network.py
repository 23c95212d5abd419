"""The networks that predict from a crop and a gripper pose whether the grasp will hold (GQ-CNN).

All take what ``detectors.gqcnn.crop.network_input`` gives and answer with one number per grasp, the logit of success:

    dexnet2   the network of Dex-Net 2.0 (18 M parameters), but for its pose input (depth, opening) instead of depth
    medium    a residual net (0.8 M) for a CPU in a hurry
    small     a plain net (0.2 M) that also trains on a CPU
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors.gqcnn.crop import CROP_PX, network_input
from robot.errors import SettingsError, did_you_mean

POSE_SIZE = 2
Network = TypeVar("Network", bound=nn.Module)
_CHUNK = 200  # crops at a time: the activations of more no longer stay in a CPU's cache


@dataclass(frozen=True)
class NetworkConfig:
    """What is needed to build a network.

    Attributes:
        architecture: "dexnet2", "medium" or "small".
        dropout: share of the features left out in training; Dex-Net 2.0 had none.
    """

    architecture: str = "medium"
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.architecture not in _BODIES:
            raise SettingsError(f"unknown network '{self.architecture}'", did_you_mean(self.architecture, _BODIES))
        if not 0.0 <= self.dropout < 1.0:
            raise SettingsError(f"dropout must lie in [0, 1), got {self.dropout}")

    def to_json(self) -> dict[str, Any]:
        """Everything, for the weights' metadata."""
        return asdict(self)


class GraspQualityNetwork(nn.Module):
    """An image stream and a pose stream, merged into the logit of success.

    Attributes:
        parameter_count: how many numbers are learnt; folding a normalisation into its layer does not change it.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.image, self.pose, self.merge = _BODIES[config.architecture](config.dropout)
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        """(N, 1, 32, 32) and (N, 2) normalised inputs -> (N,) log odds of success."""
        images = images.contiguous(memory_format=torch.channels_last)
        out: Tensor = self.merge(torch.cat([self.image(images), self.pose(poses)], dim=1))
        # Two outputs, as published, stand for failure and success; their difference is the log odds of the softmax.
        return out[:, 1] - out[:, 0] if out.shape[1] == 2 else out[:, 0]

    def forward(self, images: Tensor, poses: Tensor) -> Tensor:
        """The same as ``success_logit``."""
        return self.success_logit(images, poses)

    @torch.inference_mode()
    def predict(
        self, crops_m: NDArray[np.float32], depth_m: NDArray[np.floating], width_m: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """(N,) probabilities of success for crops (N, 32, 32), depths and openings (N,) [m]; carries no gradient."""
        device = next(self.parameters()).device
        images, poses = (torch.from_numpy(part).to(device) for part in network_input(crops_m, depth_m, width_m))
        probability = torch.empty(len(images), device=device)
        with one_thread():
            for start in range(0, len(images), _CHUNK):
                some = slice(start, start + _CHUNK)
                probability[some] = torch.sigmoid(self.success_logit(images[some], poses[some]).float())
        return probability.cpu().numpy()

    @torch.no_grad()
    def rescale_logit(self, slope: float, offset: float) -> None:
        """Replace the logit l by slope * l + offset, within the last layer's own weights."""
        last = self.merge[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(slope)
        last.bias.mul_(slope)
        last.bias[-1] += offset  # of two outputs the last is success


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: for a few hundred crops more gain little, and where another program wants the other cores
    they wait for each other (measured: four times as slow)."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def build_network(config: NetworkConfig) -> GraspQualityNetwork:
    """A network with freshly drawn weights (from torch's global generator)."""
    return GraspQualityNetwork(config)


def folded(network: Network) -> Network:
    """The same network in evaluation mode with every batch normalisation folded into the layer before it."""
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            for name in _normalised(module):
                layer, norm = module[name], module[name + 1]
                if isinstance(layer, nn.Conv2d):
                    module[name] = fuse_conv_bn_eval(layer, norm)  # type: ignore[arg-type]
                    module[name + 1] = nn.Identity()
    return network


def _normalised(module: nn.Sequential) -> list[int]:
    return [index for index in range(len(module) - 1) if isinstance(module[index + 1], nn.BatchNorm2d)]


Body = tuple[nn.Sequential, nn.Sequential, nn.Sequential]


def _dexnet2(dropout: float) -> Body:
    """Dex-Net 2.0, figure 4: four convolutions of 64 filters, fc3 1024, pc1 16, fc4 1024, fc5 2.

    Pooled once, after conv1_2: only so has it the 18 million parameters that the paper states (later code pools twice
    and has 5 million). Local response normalisation over 5 channels with alpha 2e-5 on the sum, hence 1e-4 on torch's
    mean.
    """

    def response_norm() -> nn.Module:
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)

    image = nn.Sequential(
        nn.Conv2d(1, 64, 7, padding=3), nn.ReLU(),
        nn.Conv2d(64, 64, 5, padding=2), nn.ReLU(), response_norm(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), response_norm(),
        nn.Flatten(), nn.Linear(64 * (CROP_PX // 2) ** 2, 1024), nn.ReLU(),
    )  # fmt: skip
    pose = nn.Sequential(nn.Linear(POSE_SIZE, 16), nn.ReLU())
    merge = nn.Sequential(nn.Dropout(dropout), nn.Linear(1024 + 16, 1024), nn.ReLU(), nn.Linear(1024, 2))
    for module in (*image, *pose, *merge[:-1]):  # type: ignore[misc]
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return image, pose, merge


def _small(dropout: float) -> Body:
    image = nn.Sequential(
        *_conv(1, 16, 5), nn.MaxPool2d(2),
        *_conv(16, 32), *_conv(32, 32), nn.MaxPool2d(2),
        *_conv(32, 64), *_conv(64, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * (CROP_PX // 8) ** 2, 128), nn.ReLU(),
    )  # fmt: skip
    return image, _pose_stream(), _merge_stream(128, dropout)


def _medium(dropout: float) -> Body:
    """Works on 16 x 16: every 2 x 2 pixels become four channels, which loses nothing and costs a quarter."""
    image = nn.Sequential(
        nn.PixelUnshuffle(2), *_conv(4, 32),
        _Residual(32, 64, stride=2), _Residual(64, 64, middle=48),
        _Residual(64, 128, stride=2, middle=96), _Residual(128, 128, middle=64),
        nn.Flatten(), nn.Linear(128 * (CROP_PX // 8) ** 2, 192), nn.ReLU(),
    )  # fmt: skip
    return image, _pose_stream(), _merge_stream(192, dropout)


_BODIES: dict[str, Callable[[float], Body]] = {"dexnet2": _dexnet2, "medium": _medium, "small": _small}


class _Residual(nn.Module):
    """Two 3 x 3 convolutions past which the input is added."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, middle: int | None = None) -> None:
        super().__init__()
        middle = middle or outputs
        self.body = nn.Sequential(*_conv(inputs, middle, stride=stride), *_conv(middle, outputs)[:-1])
        same = inputs == outputs and stride == 1
        self.past = nn.Identity() if same else nn.Sequential(*_conv(inputs, outputs, 1, stride=stride)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.past(x))


def _conv(inputs: int, outputs: int, size: int = 3, *, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]


def _pose_stream() -> nn.Sequential:
    return nn.Sequential(nn.Linear(POSE_SIZE, 16), nn.ReLU())


def _merge_stream(features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(features + 16, 64), nn.ReLU(), nn.Linear(64, 1))
