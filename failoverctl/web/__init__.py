"""`web`: a page on loopback with the pairs of a region, or of all, read by one reader for all browsers."""
