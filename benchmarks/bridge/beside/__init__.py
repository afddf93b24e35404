"""Our bridge beside MirrorMaker 2: the same records, the same brokers, the same link."""
