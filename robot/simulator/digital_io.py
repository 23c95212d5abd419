"""Digital and analogue outputs, and the speed slider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Outputs and the first of their bits in the word that is published.
_DIGITAL = {"standard_digital_output": 0, "configurable_digital_output": 8, "tool_digital_output": 16}
_SLIDER_PER_S = 4.0


class InputsOutputs:
    """The terminals, as a client sets them over RTDE."""

    def __init__(self) -> None:
        self.digital_out = 0
        self.digital_in = 0
        self.analog_out_fraction = [0.0, 0.0]
        self.analog_out_is_voltage = [False, False]
        self.slider = 1.0
        self.scaling = 1.0

    def write(self, values: Mapping[str, Any]) -> bool:
        """Take over what a client sent; whether anything here was addressed."""
        addressed = False
        for name, first_bit in _DIGITAL.items():
            mask = values.get(name + "_mask")
            if mask is not None and name in values:
                self.digital_out &= ~(mask << first_bit)
                self.digital_out |= (values[name] & mask) << first_bit
                addressed = True
        if values.get("speed_slider_mask", 0) and "speed_slider_fraction" in values:
            self.slider = min(max(float(values["speed_slider_fraction"]), 0.0), 1.0)
            addressed = True
        analog_mask = values.get("standard_analog_output_mask", 0)
        for channel in (0, 1):
            if analog_mask >> channel & 1:
                fraction = float(values.get(f"standard_analog_output_{channel}", 0.0))
                self.analog_out_fraction[channel] = min(max(fraction, 0.0), 1.0)
                kind = int(values.get("standard_analog_output_type", 0))
                self.analog_out_is_voltage[channel] = bool(kind >> channel & 1)
                addressed = True
        return addressed

    def analog_out(self, channel: int) -> float:
        """What stands at the terminal: [V] or [A]."""
        fraction = self.analog_out_fraction[channel]
        return 10.0 * fraction if self.analog_out_is_voltage[channel] else 0.004 + 0.016 * fraction

    def tick(self, period_s: float) -> float:
        """Let the speed scaling follow the slider; the scaling of this period."""
        step = _SLIDER_PER_S * period_s
        self.scaling = min(max(self.slider, self.scaling - step), self.scaling + step)
        return self.scaling
