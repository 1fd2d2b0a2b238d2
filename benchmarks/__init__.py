"""How estimators are measured, stored, drawn and cited; the command line."""
