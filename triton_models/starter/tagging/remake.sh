#!/bin/sh
# Remakes the tagging model from manifest.toml: remake.sh DATA, the folder of the public sets.
# Run from the repository's root, after the encoder's remake.sh, which leaves runs/starter/encoder.
set -eu
ln -sfn "$1" triton_models/starter/data
python -m triton_models.data.keyed --data triton_models/starter/data --out triton_models/starter/data-of-labels
python -m triton_models finetune tagging --manifest triton_models/starter/tagging/manifest.toml --start runs/starter/encoder --epochs 8 --batch 64 --rate 4e-4 --misspelled 0.1 --out runs/starter/tagging
python -m triton_models export runs/starter/tagging --kind tagging --out runs/starter/models/tagging
python -m triton_models compare tagging triton_models/starter/tagging runs/starter/models/tagging --dev runs/starter/tagging/dev.jsonl
