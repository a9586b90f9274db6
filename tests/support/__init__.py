"""What tests share: builders, fakes, contracts."""
