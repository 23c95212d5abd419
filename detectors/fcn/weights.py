"""A map network's weights on disk: safetensors with everything that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors.fcn.ggcnn import GgcnnConfig, GgcnnNetwork
from detectors.fcn.network import FcnConfig, FcnNetwork
from detectors.fcn.settings import STEP_M, WIDTH_UNIT_PX
from detectors.gqcnn.weights import read_tensors, stored_tensor
from detectors.gqcnn.weights_file import file_sha256
from detectors.oneshot.looking import HEIGHT_HIGH, HEIGHT_LOW, HEIGHT_UNIT_M
from robot.errors import SettingsError
from robot.whole_files import whole_file

MapNetwork = FcnNetwork | GgcnnNetwork

_FORMAT = "grasp-cell maps 1"
_COLOR = 3


def build(name: str, config: Mapping[str, Any]) -> MapNetwork:
    """A fresh network of the detector ``name``: "fcn" or "ggcnn"."""
    return GgcnnNetwork(GgcnnConfig(**config)) if name == "ggcnn" else FcnNetwork(FcnConfig(**config))


def save_weights(path: Path, name: str, network: MapNetwork, training: Mapping[str, Any]) -> str:
    """Write matrices and filters as float16 and the rest as float32, whole or not at all; returns the file's SHA-256.

    Raises:
        SettingsError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {key: stored_tensor(value) for key, value in network.state_dict().items()}
    config = network.config.to_json()
    description = {"detector": name, "network": config, "views": _views(config["channels"]), "training": training}
    with whole_file(path) as stream:  # one entry: the order of several changes at random
        stream.write(save(tensors, metadata={_FORMAT: json.dumps(description, default=str)}))
    return file_sha256(path)


def load_weights(path: Path, name: str) -> MapNetwork:
    """A trained network for use: evaluation mode, normalisation folded in, no gradients towards its weights.

    Raises:
        SettingsError: the file is missing, damaged, not what its card describes, or another detector's.
    """
    return folded(load_for_training(path, name)[0]).requires_grad_(False)


def load_for_training(path: Path, name: str) -> tuple[MapNetwork, dict[str, Any]]:
    """The network as it was saved, to go on learning, and what ``save_weights`` was told about its training.

    Raises:
        SettingsError: as for ``load_weights``.
    """
    again = f"restore the file, or train anew with python -m detectors.train {name}"
    metadata, tensors = read_tensors(path, again)
    try:
        stored = json.loads(metadata[_FORMAT])
        owner, views = stored["detector"], stored["views"]
        if owner != name:
            raise SettingsError(f"{path}: these are weights of '{owner}', not of '{name}'", again)
        network, training = build(name, stored["network"]), dict(stored["training"])
    except KeyError:
        raise SettingsError(f"{path}: these are no weights of '{name}'", again) from None
    except (TypeError, ValueError):
        raise SettingsError(f"{path}: the description inside the weights file is damaged", again) from None
    if views != _views(network.config.channels):
        raise SettingsError(f"{path}: the weights were trained with other views than this program cuts", again)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise SettingsError(f"{path}: the weights do not fit the network that the file describes", again) from None
    return network.eval(), training


def folded(network: MapNetwork) -> MapNetwork:
    """The same network in evaluation mode with every batch normalisation folded into the layer before it."""
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            for place in range(len(module) - 1):
                layer, norm = module[place], module[place + 1]
                if isinstance(norm, nn.BatchNorm2d):
                    up = isinstance(layer, nn.ConvTranspose2d)
                    module[place] = fuse_conv_bn_eval(layer, norm, transpose=up)  # type: ignore[type-var]
                    module[place + 1] = nn.Identity()
    return network


def _views(channels: int) -> dict[str, float]:
    """What the networks are shown: they work only with what they have learnt on."""
    if channels == _COLOR:
        return {}
    return {
        "step_m": STEP_M,
        "width_unit_px": WIDTH_UNIT_PX,
        "height_unit_m": HEIGHT_UNIT_M,
        "height_low": HEIGHT_LOW,
        "height_high": HEIGHT_HIGH,
    }
