"""The tensor layout of Dex-Net 2.0: crops, gripper configurations and grasp labels, a thousand grasps a file."""
