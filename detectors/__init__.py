"""What a grasp is, and every detector that can propose one."""
