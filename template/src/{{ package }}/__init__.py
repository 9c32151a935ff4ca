"""The science of this use case: what a row is (schema), what the model sees (features), what learns (model)."""
