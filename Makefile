# The developer's targets. Setting up and testing need no make: ./vaderflix test
BIN := .venv/bin
.PHONY: test lint types docs bench chaos wheels

test:
	./vaderflix test
lint:
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
types:
	$(BIN)/mypy
docs:
	$(BIN)/python docs/generate.py
bench:
	$(BIN)/python -m tests.bench
chaos:
	VADERFLIX_KILLS=120 $(BIN)/pytest tests/chaos -q -s
wheels:
	$(BIN)/uv build --all-packages --wheel --out-dir dist
