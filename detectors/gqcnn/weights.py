"""Weights on disk: safetensors with everything that is needed to use them and to know where they come from."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from detectors.gqcnn.crop import normalisation
from detectors.gqcnn.network import GraspQualityNetwork, NetworkConfig, folded
from detectors.gqcnn.weights_file import RETRAIN, SHIPPED, check_whole, file_sha256
from robot.errors import SettingsError

_FORMAT = "grasp-cell gqcnn 1"


@torch.no_grad()
def round_weights(network: nn.Module) -> None:
    """Round matrices and filters to what float16 holds, so that the network judged is the network saved."""
    for parameter in network.parameters():
        if parameter.ndim >= 2:
            parameter.copy_(parameter.half().float())


def save_weights(path: Path, network: GraspQualityNetwork, training: Mapping[str, Any]) -> str:
    """Write matrices and filters as float16 and the rest as float32, whole or not at all.

    Args:
        path: the file; its directory is made if need be.
        network: not folded.
        training: whatever says where the weights come from; becomes JSON in the file's metadata.

    Returns:
        The file's SHA-256.

    Raises:
        SettingsError: the file cannot be written.
    """
    from safetensors.torch import save

    tensors = {name: stored_tensor(value) for name, value in network.state_dict().items()}
    description = {"network": network.config.to_json(), "normalisation": normalisation(), "training": training}
    metadata = {_FORMAT: json.dumps(description, default=str)}  # one entry: the order of several changes at random
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(save(tensors, metadata=metadata))
        os.replace(part, path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return file_sha256(path)


def load_gqcnn(path: Path | None = None) -> GraspQualityNetwork:
    """A trained network for use: evaluation mode, batch normalisation folded, gradients only towards its inputs.

    Args:
        path: a weights file; None takes the one that the program ships.

    Raises:
        SettingsError: the file is missing, damaged, not what its card describes, or of another architecture or crop.
    """
    network = folded(load_for_training(path or SHIPPED)[0])
    return network.requires_grad_(False)


def load_for_training(path: Path) -> tuple[GraspQualityNetwork, dict[str, Any]]:
    """The network as it was saved, to go on learning, and what ``save_weights`` was told about its training.

    Raises:
        SettingsError: as for ``load_gqcnn``.
    """
    metadata, tensors = read_tensors(path, RETRAIN)
    if _FORMAT not in metadata:
        raise SettingsError(f"{path}: these are no GQ-CNN weights of this program", RETRAIN)
    try:
        stored = json.loads(metadata[_FORMAT])
        network, training = GraspQualityNetwork(NetworkConfig(**stored["network"])), dict(stored["training"])
        known = stored["normalisation"] == normalisation()
    except (KeyError, TypeError, ValueError):
        raise SettingsError(f"{path}: the description inside the weights file is damaged", RETRAIN) from None
    if not known:
        raise SettingsError(f"{path}: the weights were trained with another crop than this program cuts", RETRAIN)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        name = network.config.architecture
        raise SettingsError(f"{path}: the weights do not fit the architecture '{name}'", RETRAIN) from None
    return network.eval(), training


def read_tensors(path: Path, hint: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and float32 tensors of a safetensors file.

    Raises:
        SettingsError: it is missing, damaged, or not what its card describes; with ``hint`` for what to do.
    """
    from safetensors import SafetensorError, safe_open

    check_whole(path, hint)
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - no mapping
            return dict(stream.metadata() or {}), {
                n: t.float() if t.is_floating_point() else t for n, t in tensors.items()
            }
    except (SafetensorError, OSError) as error:
        raise SettingsError(f"{path}: the weights file is damaged: {error}", hint) from None


def stored_tensor(value: Tensor) -> Tensor:
    """As it is kept on the disk: matrices and filters as float16."""
    value = value.detach().cpu()
    if value.is_floating_point() and value.ndim >= 2:
        value = value.half()
    return value.contiguous()
