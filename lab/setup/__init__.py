"""What the other rooms need to run: packages, virtual environments, builds, the list of licences."""
