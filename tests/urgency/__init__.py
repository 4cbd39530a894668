"""A kind of model that is none of the project's: queries to how urgent they are, from 0 to 1."""

from triton_models.kinds.kind import IDS, Kind, nothing

KIND = Kind(__name__, inputs=IDS, output="urgency", own=nothing)
