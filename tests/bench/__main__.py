"""`make bench`: every measurement, one after the other."""

import runpy

for name in ("bench_process", "bench_sign_in", "bench_search"):
    print(f"== {name}")
    runpy.run_module(f"tests.bench.{name}", run_name="__main__")
