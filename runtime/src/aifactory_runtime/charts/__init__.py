"""Pictures of a model as SVG text: no library, no script; `svg` draws, `model` says what is drawn."""
