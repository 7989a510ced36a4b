.PHONY: install demo test check fix

install:
	scripts/install

demo: install
	.venv/bin/hopfact demo

test: install
	scripts/test

check: install
	scripts/check

fix: install
	scripts/fix
