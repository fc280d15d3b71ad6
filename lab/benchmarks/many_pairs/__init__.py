"""Many pairs in one AWS account: a simulation with the deployed steps and AWS's published default quotas."""
