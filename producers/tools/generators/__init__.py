"""The generators: offline drawings, and models by their providers' SDKs."""
