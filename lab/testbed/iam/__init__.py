"""What a role may do: its policies, what a call asks of them, and the table of both for people.

No library on PyPI that was looked at judges one call by Resource and Condition without an account (moto goes by action
alone; principalmapper is for whole accounts, and AGPL), so it is done here, for what this project's policies use. What
they do not use is an error and not a guess.
"""
