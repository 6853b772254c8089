"""Speech and sound for zoo: Deep Speech and wav2vec 2.0, for transcripts and for classes of sounds."""
