"""How the bridge does beside its peer, and whether it keeps its promises on a thin link."""
