#!/bin/sh
# Remakes the encoder from manifest.toml: remake.sh DATA, the folder of the public sets.
# Run from the repository's root. Other models and the starter lexicon follow the encoder.
set -eu
ln -sfn "$1" triton_models/starter/data
python -m triton_models combine prune minilm --layers 0,2,4 --pieces 9200 --text triton_models/starter/data/esci_queries/queries.txt triton_models/starter/encoder/kinds.tsv --out runs/starter/small
python -m triton_models finetune encoder --manifest triton_models/starter/encoder/manifest.toml --start runs/starter/small --epochs 5 --rate 4e-4 --misspelled 0.12 --out runs/starter/encoder
python -m triton_models export runs/starter/encoder --kind encoder --out runs/starter/models/encoder
python -m triton_models compare encoder triton_models/starter/encoder runs/starter/models/encoder --dev runs/starter/encoder/dev.jsonl
