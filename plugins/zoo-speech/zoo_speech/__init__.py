"""Speech and sound for zoo: Whisper, Deep Speech and wav2vec 2.0; transcripts, and classes of sounds."""
