"""What others deploy, built from a commit: `make release`.

Two builds of a commit are the same bytes: what goes in is what git has, sorted, with the commit's time; the layer's
packages come from the lock file, with their hashes checked, and are compiled for a fixed place. Given the same Python
3.13 and zlib.
"""
