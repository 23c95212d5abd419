"""What the one-shot networks share: views in metres, layers, data, the training loop, weights and cards."""
