"""What an account holds of a pair that is to be deployed, found by calls that only read."""
