"""Shared libraries that Python packages need and a bare machine lacks."""

from __future__ import annotations

import ctypes


def load_libusb() -> None:
    """Make libusb visible to the whole process; call it before importing pyrealsense2 or open3d."""
    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
