"""What is learnt and how it is judged. Knows no model and never imports torch."""
