#!/bin/sh
# Remakes the matching model from manifest.toml: remake.sh DATA, the folder of the public sets.
# Run from the repository's root, after the encoder's remake.sh, which leaves runs/starter/encoder.
set -eu
ln -sfn "$1" triton_models/starter/data
python -m triton_models.data.keyed --data triton_models/starter/data --out triton_models/starter/data-of-labels
python -m triton_models finetune matching --manifest triton_models/starter/matching/manifest.toml --start runs/starter/encoder --epochs 2 --batch 64 --rate 2e-4 --misspelled 0.12 --balance weights --out runs/starter/matching
python -m triton_models export runs/starter/matching --kind matching --out runs/starter/models/matching
python -m triton_models compare matching triton_models/starter/matching runs/starter/models/matching
