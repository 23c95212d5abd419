"""The controller: settings, states, planning, the operator's console."""
