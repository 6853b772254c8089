"""GPT-2 and Llama for zoo: models that write text."""
