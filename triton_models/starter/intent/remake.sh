#!/bin/sh
# Remakes the intent model from manifest.toml: remake.sh DATA, the folder of the public sets.
# Run from the repository's root, after the encoder's remake.sh, which leaves runs/starter/encoder.
set -eu
ln -sfn "$1" triton_models/starter/data
python -m triton_models.data.keyed --data triton_models/starter/data --out triton_models/starter/data-of-labels
python -m triton_models finetune intent --manifest triton_models/starter/intent/manifest.toml --start runs/starter/encoder --pooling mean --epochs 6 --batch 64 --rate 3e-4 --misspelled 0.8 --consistency 1 --tag-weight 1 --out runs/starter/intent
python -m triton_models evaluate intent --model triton_models/starter/intent
python -m triton_models export runs/starter/intent --kind intent --out runs/starter/models/intent
python -m triton_models compare intent triton_models/starter/intent runs/starter/models/intent
