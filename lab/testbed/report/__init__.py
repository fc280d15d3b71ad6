"""What a run of the testbed showed: recorded, judged by the journal, drawn, and shown live."""
