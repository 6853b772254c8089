"""Any image model of timm, for zoo."""
