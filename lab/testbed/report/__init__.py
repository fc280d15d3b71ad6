"""What a run of the stage showed: recorded, judged by the journal, drawn, and shown live."""
