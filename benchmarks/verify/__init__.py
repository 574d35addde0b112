"""The judgement of what shoppers were told against what is stored, for every tool that sends a crowd."""
