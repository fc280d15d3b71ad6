"""The cloud on this machine: moto with what moto lacks, so that the template that deploys to AWS also runs here."""
