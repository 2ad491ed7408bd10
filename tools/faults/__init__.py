"""The faults that tools/mutate.py plants, and the test programs that must notice them."""
from .programs import PROGRAMS, ROOT
from . import tramp, verifier

FAULTS = tramp.FAULTS + verifier.FAULTS
