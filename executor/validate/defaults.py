"""What the settings say of the ladder where nobody has set them, apart from it: reading settings needs no ladder."""

ORDER = "0,1,2,3,4,8,5,6,7,9"
"""The numbers of the rungs of `LADDER`, in its order."""
FUZZED = 100
"""Further inputs on which bodies that pass the same tests are compared."""
