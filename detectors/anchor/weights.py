"""The anchor network's weights on disk: safetensors with everything that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors.anchor.network import AnchorConfig, AnchorNetwork
from detectors.anchor.settings import COLOR_MEAN, COLOR_SPREAD, INPUT_PX, STEP_M
from detectors.gqcnn.weights import read_tensors, stored_tensor
from detectors.gqcnn.weights_file import file_sha256
from robot.errors import SettingsError
from robot.whole_files import whole_file

WITH_SCORER, WITHOUT_SCORER = "anchor", "zhou"
_FORMAT = "grasp-cell anchor 1"
_INPUT = {"input_px": INPUT_PX, "step_m": STEP_M, "color_mean": COLOR_MEAN, "color_spread": COLOR_SPREAD}


def save_weights(path: Path, network: AnchorNetwork, training: Mapping[str, Any]) -> str:
    """Write matrices and filters as float16 and the rest as float32, whole or not at all; returns the file's SHA-256.

    Raises:
        SettingsError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {key: stored_tensor(value) for key, value in network.state_dict().items()}
    description = {"network": network.config.to_json(), "input": _INPUT, "training": training}
    with whole_file(path) as stream:  # one entry: the order of several changes at random
        stream.write(save(tensors, metadata={_FORMAT: json.dumps(description, default=str)}))
    return file_sha256(path)


def load_weights(path: Path, name: str) -> AnchorNetwork:
    """A trained network for use: evaluation mode, normalisation folded in, no gradients towards its weights.

    Args:
        path: the file.
        name: "anchor" for a network with a scorer, "zhou" for one without.

    Raises:
        SettingsError: the file is missing, damaged, not what its card describes, or the other detector's.
    """
    network = load_for_training(path, name)[0]
    if (network.scorer is not None) != (name == WITH_SCORER):
        has = "have a scorer: they are" if network.scorer is not None else "have no scorer: they are"
        owner = WITH_SCORER if network.scorer is not None else WITHOUT_SCORER
        raise SettingsError(f"{path}: these weights {has} '{owner}'s", _again(name))
    return folded(network).requires_grad_(False)


def load_for_training(path: Path, name: str) -> tuple[AnchorNetwork, dict[str, Any]]:
    """The network as it was saved, to go on learning, and what ``save_weights`` was told about its training.

    Raises:
        SettingsError: the file is missing, damaged or not what it describes.
    """
    again = _again(name)
    metadata, tensors = read_tensors(path, again)
    try:
        stored = json.loads(metadata[_FORMAT])
        network = AnchorNetwork(AnchorConfig.from_json(stored["network"]))
        training, shown = dict(stored["training"]), stored["input"]
    except KeyError:
        raise SettingsError(f"{path}: these are no weights of '{name}'", again) from None
    except (TypeError, ValueError):
        raise SettingsError(f"{path}: the description inside the weights file is damaged", again) from None
    if shown != _INPUT:
        raise SettingsError(f"{path}: the weights were trained on another input than this program gives", again)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise SettingsError(f"{path}: the weights do not fit the network that the file describes", again) from None
    return network.eval(), training


def begun_from(network: AnchorNetwork, other: AnchorNetwork) -> AnchorNetwork:
    """``network`` with what ``other`` has learnt; a scorer that ``other`` lacks stays as it is.

    Raises:
        SettingsError: backbone or anchors differ.
    """
    mine, theirs = network.config.to_json(), other.config.to_json()
    differing = sorted(key for key in mine if key != "scorer" and mine[key] != theirs[key])
    if differing:
        raise SettingsError(
            "--init: the network there differs in " + ", ".join(f"{key} ({theirs[key]})" for key in differing)
        )
    state = network.state_dict()
    network.load_state_dict({**state, **{key: value for key, value in other.state_dict().items() if key in state}})
    return network


def folded(network: AnchorNetwork) -> AnchorNetwork:
    """The same network in evaluation mode with every batch normalisation folded into the convolution before it."""
    network.eval()
    for module in list(network.modules()):
        if isinstance(module, nn.Sequential):
            for place in range(len(module) - 1):
                layer, norm = module[place], module[place + 1]
                if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[place], module[place + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
    return network.to(memory_format=_channels_last())  # type: ignore[call-overload,no-any-return]


def _channels_last() -> Any:
    import torch

    return torch.channels_last


def _again(name: str) -> str:
    return f"restore the file, or train anew with python -m detectors.train {name}"
