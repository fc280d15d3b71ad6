"""Judges that are not ours: programs of other makers that check the workflow, its expressions and the policies.

What they say is judged in tests/lab/conformance; docs/second-opinion.md is the page about all of them.
"""
