"""Local servers that speak the venues' real wire protocols, over the same simulated venue as replay."""
