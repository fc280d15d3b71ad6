"""`web`: a page on loopback with the pairs of a region, read by one reader for all browsers."""
