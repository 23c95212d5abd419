"""What stands at the other end of the cables in a dry run: one physical world, served as the real devices."""
