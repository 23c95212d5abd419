"""Everything with a cable: arm, gripper, camera, geometry, and the simulator at the cables' other end."""
