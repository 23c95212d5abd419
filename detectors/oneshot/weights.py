"""A one-shot network's weights on disk: safetensors with everything that is needed to use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch import nn

from detectors.gqcnn.network import folded
from detectors.gqcnn.weights import read_tensors, stored_tensor
from detectors.gqcnn.weights_file import file_sha256
from detectors.oneshot.looking import HEIGHT_HIGH, HEIGHT_LOW, HEIGHT_UNIT_M
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M
from robot.errors import SettingsError
from robot.whole_files import whole_file

_FORMAT = "grasp-cell one-shot 1"


class Configured(Protocol):
    """A network that knows what it was built from."""

    config: Any

    def state_dict(self) -> Mapping[str, Any]:
        """Its tensors."""
        ...


Network = TypeVar("Network", bound=nn.Module)


def save_weights(path: Path, name: str, network: Configured, training: Mapping[str, Any]) -> str:
    """Write matrices and filters as float16 and the rest as float32, whole or not at all.

    Args:
        path: the file.
        name: of the detector.
        network: not folded.
        training: whatever says where the weights come from; becomes JSON in the file's metadata.

    Returns:
        The file's SHA-256.

    Raises:
        SettingsError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {key: stored_tensor(value) for key, value in network.state_dict().items()}
    description = {"detector": name, "network": network.config.to_json(), "views": _views(), "training": training}
    with whole_file(path) as stream:  # one entry: the order of several changes at random
        stream.write(save(tensors, metadata={_FORMAT: json.dumps(description, default=str)}))
    return file_sha256(path)


def load_weights(path: Path, name: str, build: Callable[[dict[str, Any]], Network]) -> Network:
    """A trained network for use: evaluation mode, normalisation folded in, no gradients towards its weights.

    Raises:
        SettingsError: the file is missing, damaged, not what its card describes, or another detector's.
    """
    return folded(load_for_training(path, name, build)[0]).requires_grad_(False)


def load_for_training(
    path: Path, name: str, build: Callable[[dict[str, Any]], Network]
) -> tuple[Network, dict[str, Any]]:
    """The network as it was saved, to go on learning, and what ``save_weights`` was told about its training.

    Raises:
        SettingsError: as for ``load_weights``.
    """
    again = f"restore the file, or train anew with python -m detectors.train {name}"
    metadata, tensors = read_tensors(path, again)
    try:
        stored = json.loads(metadata[_FORMAT])
        owner, known = stored["detector"], stored["views"] == _views()
        if owner != name:
            raise SettingsError(f"{path}: these are weights of '{owner}', not of '{name}'", again)
        network, training = build(stored["network"]), dict(stored["training"])
    except KeyError:
        raise SettingsError(f"{path}: these are no weights of '{name}'", again) from None
    except (TypeError, ValueError):
        raise SettingsError(f"{path}: the description inside the weights file is damaged", again) from None
    if not known:
        raise SettingsError(f"{path}: the weights were trained with other views than this program cuts", again)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise SettingsError(f"{path}: the weights do not fit the network that the file describes", again) from None
    return network.eval(), training


def _views() -> dict[str, float]:
    """What the networks are shown: they work only with what they have learnt on."""
    return {
        "far_px": FAR_PX,
        "far_step_m": FAR_STEP_M,
        "height_unit_m": HEIGHT_UNIT_M,
        "height_low": HEIGHT_LOW,
        "height_high": HEIGHT_HIGH,
    }
