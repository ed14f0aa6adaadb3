"""The part of VisionLabs' luna3 that the request examples of LUNA's manual need, for where the real one is not installed.

Written for lambdapool and not derived from luna3. It stands last on sys.path, so that an installed luna3 is found first.
"""
