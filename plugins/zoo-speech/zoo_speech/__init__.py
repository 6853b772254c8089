"""Speech and sound for zoo: Deep Speech from scratch, for transcripts and for classes of sounds."""
